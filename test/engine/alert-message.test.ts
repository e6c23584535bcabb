/** What people read of an alert. */
import { describe, expect, test } from '@jest/globals';
import { type Alert, announcement, notificationOf, slackMessage, subjectOf } from '../../engine/alerting/message.ts';

const alert: Alert = {
  entity_id: 'a<&b',
  kind: 'alert#1',
  alert_id: 'id1',
  title: 'A customer is leaving',
  link: 'https://example.org/c/a%2Fb?t=1&x=|',
  score: 0.876,
  t: Date.UTC(2017, 10, 15, 9, 30),
  trigger: 'sweep',
  reasons: ['nothing bought for 20 days', 'fewer than 3 & falling'],
};

interface Text {
  readonly type: string;
  readonly text: string;
  readonly verbatim?: boolean;
}
interface Block {
  readonly text?: Text;
  readonly elements?: readonly Text[];
}

describe('messages', () => {
  test('the Slack message names customer, score, reasons, trigger and time, and escapes what came from outside', () => {
    const text = JSON.stringify(slackMessage(alert));
    for (const part of ['a<&b  score 0.88', 'nothing bought for 20 days', 'fewer than 3 &amp; falling']) {
      expect(text).toContain(part);
    }
    expect(text).toContain('2017-11-15 09:30 UTC · after silence · alert id1');
    expect(text).toContain('<https://example.org/c/a%2Fb?t=1&amp;x=%7C|Open>');
    expect(slackMessage(alert)).toMatchObject({ text: expect.stringContaining('a&lt;&amp;b'), mrkdwn: false });
  });

  test.each([
    'https://evil.example',
    'www.evil.example',
    '@here',
    '<!channel>',
    '<@U1>',
    '#general',
    '*bold*',
    ':tada:',
  ])('the id %s is a text to Slack, neither a link nor a mention', (id) => {
    const { blocks } = slackMessage({ ...alert, entity_id: id }) as { blocks: Block[] };
    const naming = blocks
      .flatMap((block) => [block.text, ...(block.elements ?? [])])
      .filter((of) => of?.text.includes(id));
    expect(naming).toEqual([{ type: 'plain_text', text: `${id}  score 0.88`, emoji: false }]);
    const marked = blocks
      .flatMap((block) => [block.text, ...(block.elements ?? [])])
      .filter((of) => of?.type === 'mrkdwn');
    expect(marked.every((of) => of?.verbatim)).toBe(true);
  });

  test('what may end in a dead-letter queue says where the alert is, and nothing of it', () => {
    const { Message, MessageAttributes, MessageStructure } = notificationOf(announcement(alert));
    const { email, ...others } = JSON.parse(Message) as Record<string, string>;
    expect(MessageStructure).toBe('json');
    expect(email).toContain('nothing bought for 20 days');
    expect(others).toEqual({ default: 'An alert waits in the outbox.' });
    expect(Object.keys(MessageAttributes)).toEqual(['entity_id', 'kind']);
  });

  test('a title is cut between characters', () => {
    const { blocks } = slackMessage({ ...alert, title: `${'x'.repeat(149)}😀😀` }) as {
      blocks: { text: { text: string } }[];
    };
    expect(blocks[0]!.text.text).toBe(`${'x'.repeat(149)}😀`);
  });
});

describe('the subject of an e-mail', () => {
  test.each([
    ['A customer is leaving', 'A customer is leaving'],
    ['two\nlines\u0007', 'two lines'],
    ['two\u2028lines\u2029', 'two lines'],
    ['half \ud83d a character', 'half \ufffd a character'],
    ['x'.repeat(120), 'x'.repeat(99)],
    // Never half a character: SNS takes UTF-8.
    [`${'x'.repeat(98)}😀`, 'x'.repeat(98)],
    ['\n', undefined],
  ])('of %j is what SNS takes', (title, subject) => {
    expect(subjectOf(title)).toBe(subject);
  });
});
