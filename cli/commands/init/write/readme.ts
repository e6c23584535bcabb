/** README.md: what the file has, what was assumed, what was left out, and what to do next. Names of columns, never values. */
import { basename } from 'node:path';
import type { Checked } from '../check.ts';
import type { Plan } from '../plan.ts';
import type { PlannedField } from '../profile/fields.ts';
import { duration, instant } from './code.ts';
import type { View } from './features.ts';

/** Where the use case lies, as commands take it, and what it was made of. */
export interface Places {
  readonly usecase: string;
  readonly from: readonly string[];
}

const code = (text: string) => (text === '' ? '(no name)' : `\`${text.replaceAll('`', "'").replaceAll('|', '/')}\``);
const whole = (count: number) => count.toLocaleString('en-US');

export function readmeFile(plan: Plan, view: View, checked: Checked, places: Places): string {
  const title = `# ${plan.useCase}`;
  const parts = [
    title,
    `Written by \`tidemark init\` from ${places.from.map((name) => code(basename(name))).join(', ')}; it is yours to edit.`,
    section('What was seen', seen(plan, checked)),
    section('What was assumed', assumed(plan)),
    section('Columns', fieldLines(plan.fields)),
    section('Left out', leftOut(plan)),
    section('Refused rows', refusals(checked, plan)),
    section('What to look at', look(plan, view)),
    section('Next', next(plan, places)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `## ${title}\n\n${lines.map(oneSentenceALine).join('\n')}`;

/** As all documents of the house have it. */
const oneSentenceALine = (line: string): string =>
  line.startsWith('- ') ? line.replace(/([.!?]\)?) (?=["'(]?(?:[\p{Lu}\d]|`))/gu, '$1\n  ') : line;

function seen({ profile, roles }: Plan, { events }: Checked): string[] {
  const { files, rows, columns, bad, truncated } = profile;
  const { first, last } = roles.spelling;
  return [
    `- ${whole(rows)} rows with ${columns.length} columns in ${files.length === 1 ? 'a file' : `${whole(files.length)} files`}, all of them read; ${whole(events)} are events of the contract.`,
    `- About ${whole(roles.entity.distinct)} entities, from ${instant(first)} to ${instant(last)}${roles.zone ? ' by the clock of the file' : ''}.`,
    ...(bad.count > 0
      ? [`- ${whole(bad.count)} lines are no rows, the first at ${bad.first[0]!.place}: ${bad.first[0]!.detail}.`]
      : []),
    ...(truncated ? ['- There are more than 1,000 columns: those beyond were not looked at.'] : []),
  ];
}

export function assumed({ eventType, nulls, roles }: Plan): string[] {
  const { entity, guessed, id, spelling, time, zone } = roles;
  const how = (role: string) => (guessed.includes(role) ? ' (guessed)' : '');
  const ids =
    id.length === 0
      ? 'A row has no id: it is told apart by its content, and equal rows of one file by their number, so that the same file loaded twice counts once. The same row in two files of one format is one event; in a file of another format it may be another one, since what is a number here may be a text there.'
      : `The id of a row is ${id.map(({ label }) => code(label)).join(' with ')}.`;
  const dates = !/H|h/.test(spelling.format) && spelling.local && spelling.format !== 'iso8601';
  return [
    `- Each row is one event ${code(eventType)}.`,
    `- A row is about ${code(entity.label)}${how('entity')}.`,
    `- It happened at ${code(time.label)}${how('time')}, written as ${code(spelling.format)}${spelling.local ? `, by the clock of ${zone}` : ''}${dates ? '; a day stands for its begin' : ''}.`,
    `- ${ids}${how('id')}`,
    ...(nulls.length > 0
      ? [
          `- ${nulls.map((one) => (one === '' ? 'An empty text' : code(one))).join(', ')} stand for nothing, in every column.`,
        ]
      : []),
    '- An event was known when it happened: if your rows came later, say so by `availableLag` in `index.ts`.',
  ];
}

function fieldLines(fields: readonly PlannedField[]): string[] {
  return fields.map(({ column, name, type, scale, values, maxLength, required, notes }) => {
    const said = {
      ...{ int: 'whole number', decimal: `decimal of ${scale} places`, bool: 'true or false', timestamp: 'time' },
      ...{ enum: `one of ${values?.length} texts`, string: `text of up to ${maxLength} characters` },
    }[type];
    const isNumber = type === 'int' || type === 'decimal';
    const range = isNumber ? `${column.min} to ${column.max}` : `${whole(column.distinct)} different`;
    const missing = required ? '' : ', may be missing';
    return `- ${code(column.label)} is \`${name}\`: ${said} (seen: ${range})${missing}. ${notes.join(' ')}`.trimEnd();
  });
}

function leftOut({ leftOut, profile, roles }: Plan): string[] {
  const personal = leftOut.filter((one) => one.personal).map(({ column }) => code(column.label));
  const others = leftOut.filter((one) => !one.personal);
  const named = new Set([roles.entity, roles.time, ...roles.id, ...leftOut.map(({ column }) => column)]);
  const entityIsPersonal = roles.entity.emails > 0;
  return [
    ...(personal.length > 0
      ? [
          `- Personal: ${personal.join(', ')}. They are in no contract and no feature, so they never leave the file. What you do need, add to \`events.ts\` and \`sources.ts\`.`,
        ]
      : []),
    ...(entityIsPersonal
      ? [
          `- ${code(roles.entity.label)} holds addresses of people, and is the key of all that is stored: a number of your own would be better.`,
        ]
      : []),
    ...others.map(({ column, why }) => `- ${code(column.label)}: ${why}.`),
    ...(named.size === profile.columns.length && leftOut.length === 0
      ? ['- Nothing: the file has no other columns.']
      : []),
  ];
}

export function refusals({ refused, copies, firstCopy }: Checked, { roles }: Plan): string[] {
  return [
    ...refused.map(({ reason, count, first: [first] }) => {
      const detail = first!.detail.replace(/\.$/, '');
      return `- ${whole(count)} × ${reason}, the first at ${first!.place}: ${detail}.`;
    }),
    ...(copies > 0
      ? [
          `- ${whole(copies)} rows have an id that an earlier one has, the first at ${firstCopy}: each counts once. ${
            roles.id.length > 0
              ? 'If they are different facts, the id needs another column: `--id a,b`, or `--id none`.'
              : 'They stand in more than one file.'
          }`,
        ]
      : []),
  ];
}

function look({ learning }: Plan, { unread }: View): string[] {
  const names = unread.filter(({ use }) => use !== 'none').map(({ name }) => `\`${name}\``);
  return [
    ...(names.length > 0
      ? [`- ${names.join(', ')} are in the contract and in no feature yet: add what you want to \`features.ts\`.`]
      : []),
    learning
      ? `- The label is a guess: nobody's row in the next ${duration(learning.horizon_ms)}. Say in \`label.ts\` what you want to know, and in \`model.ts\` from when to when it is learnt.`
      : '- There is no label and no model: the file is too short, or too few entities come again, to learn from it. Features alone are a use case.',
  ];
}

function next({ learning, source }: Plan, { usecase, from }: Places): string[] {
  const files = from.map((name) => (/^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`)).join(' ');
  return [
    'Values of any entity at any time, from queries such as `{"entity_id": "42", "t": "2026-03-01T00:00:00Z"}`:',
    '',
    '```sh',
    `npx tidemark features eval --usecase ${usecase} --source ${source} --events ${files.split(' ')[0]} --queries queries.ndjson`,
    '```',
    '',
    `All of it on this machine, without an account${learning ? ', with a model that is trained and served' : ''}:`,
    '',
    '```sh',
    'npx tidemark local start',
    `npx tidemark deploy --usecase ${usecase}`,
    `npx tidemark history load ${files} --source ${source} --usecase ${usecase}`,
    ...(learning ? ['npx tidemark train'] : []),
    'npx tidemark page',
    '```',
  ];
}
