import { buttonsOf } from './buttons.ts';

/** What people read: text for e-mail, blocks for Slack. */
export interface Announcement {
  readonly entity_id: string;
  /** Sort key of the outbox item. */
  readonly kind: string;
  readonly title: string;
  readonly text: string;
}

/** As the outbox holds it. */
export interface Alert {
  readonly entity_id: string;
  /** Sort key of the outbox item. */
  readonly kind: string;
  readonly alert_id: string;
  readonly title: string;
  readonly link: string;
  readonly score: number;
  /** ms UTC. */
  readonly t: number;
  readonly trigger: string;
  readonly reasons: readonly string[];
}

export function announcement(alert: Alert): Announcement {
  const { entity_id, kind, title } = alert;
  const lines = [headline(alert), ...alert.reasons.map((reason) => `- ${reason}`), alert.link];
  return { entity_id, kind, title, text: lines.join('\n') };
}

/**
 * What is published: the text to people by mail, and to every other subscriber that an alert waits, with its key in the
 * attributes. What can't be handed over waits in a dead-letter queue for 14 days, where no score and no reason may lie.
 */
export function notificationOf({ entity_id, kind, text }: Announcement) {
  const attribute = (StringValue: string) => ({ DataType: 'String', StringValue });
  return {
    MessageStructure: 'json',
    Message: JSON.stringify({ default: 'An alert waits in the outbox.', email: text }),
    MessageAttributes: { entity_id: attribute(entity_id), kind: attribute(kind) },
  };
}

const SUBJECT_CHARACTERS = 99;

/**
 * The title as SNS takes it: "Subjects must be UTF-8 text with no line breaks or control characters, and less than 100
 * characters long" (Publish). Undefined for an empty one, which SNS refuses.
 */
export function subjectOf(title: string): string | undefined {
  let subject = '';
  for (const character of title
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()) {
    if (subject.length + character.length > SUBJECT_CHARACTERS) break;
    subject += character;
  }
  return subject || undefined;
}

const TRIGGERS: Readonly<Record<string, string>> = {
  event: 'after an event',
  sweep: 'after silence',
  api: 'on request',
};

function headline({ title, entity_id, score }: Alert): string {
  return `${title}: ${entity_id} (score ${score.toFixed(2)})`;
}

/** Slack's Block Kit. Text from outside is escaped as Slack asks: & < >. @param buttons by which people say what became of it */
export function slackMessage(alert: Alert, buttons = false): object {
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const when = new Date(alert.t).toISOString().replace('T', ' ').slice(0, 16);
  const reasons = alert.reasons.map((reason) => `• ${escaped(reason)}`).join('\n');
  return {
    text: escaped(headline(alert)),
    mrkdwn: false,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: [...alert.title].slice(0, 150).join('') } },
      {
        type: 'section',
        // Plain: an id that looks like an address or a mention stays a text.
        text: { type: 'plain_text', text: `${alert.entity_id}  score ${alert.score.toFixed(2)}`, emoji: false },
      },
      ...(reasons ? [{ type: 'section', text: { type: 'mrkdwn', text: reasons, verbatim: true } }] : []),
      {
        type: 'section',
        text: { type: 'mrkdwn', verbatim: true, text: `<${escaped(alert.link).replaceAll('|', '%7C')}|Open>` },
      },
      ...(buttons ? [buttonsOf(alert)] : []),
      {
        type: 'context',
        elements: [
          {
            type: 'mrkdwn',
            verbatim: true,
            text: `${when} UTC · ${TRIGGERS[alert.trigger] ?? escaped(alert.trigger)} · alert ${escaped(alert.alert_id)}`,
          },
        ],
      },
    ],
  };
}
