/** docs/reference/limits.md: how much of what there may be, from the constants that the checks compare with. */
import { z } from 'zod';
import { useCaseSchema } from '../../core/ir/schema.ts';
import { DAY } from '../../core/values/time.ts';
import { code, page, table } from './markdown.ts';
import { constant, numberOf, wordsOf } from './sources.ts';

interface Limit {
  readonly what: string;
  readonly constant: string;
  readonly unit: 'bytes' | 'ms' | 's' | '';
}

const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  Records: [
    { what: 'An event', constant: 'MAX_EVENT_BYTES', unit: 'bytes' },
    { what: 'Levels of nesting', constant: 'MAX_DEPTH', unit: '' },
    { what: 'Characters of `event_id` and `source`', constant: 'MAX_ID', unit: '' },
    { what: 'Characters of `entity_id`', constant: 'MAX_ENTITY', unit: '' },
    { what: 'A whole number, and a decimal in its smallest unit', constant: 'MAX_EXACT', unit: '' },
    { what: 'Digits of a decimal that is sent as a JSON number', constant: 'MAX_NUMBER_DIGITS', unit: '' },
    { what: 'The latest time', constant: 'MAX_TIME', unit: 'ms' },
  ],
  'Definitions and states': [
    { what: 'Characters of the name of a use case', constant: 'LONGEST_USE_CASE_NAME', unit: '' },
    { what: 'A schema version', constant: 'MAX_SCHEMA_VERSION', unit: '' },
    { what: 'The widest window', constant: 'MAX_WINDOW', unit: 'ms' },
    { what: 'A state, by the caps of its view', constant: 'MAX_STATE_BYTES', unit: 'bytes' },
    { what: 'An item of the features table', constant: 'MAX_ITEM_BYTES', unit: 'bytes' },
  ],
  'The API': [
    { what: 'Entities of a request to the API', constant: 'MAX_ENTITIES', unit: '' },
    { what: 'Time of a request to the API', constant: 'API_TIMEOUT_SECONDS', unit: 's' },
  ],
};

function shown(value: number, unit: Limit['unit']): string {
  if (unit === 'bytes') return `${value.toLocaleString('en')} bytes (${value / 1024} KiB)`;
  if (unit === 'ms' && value % DAY === 0) return `${value / DAY} days`;
  if (unit === 'ms') return new Date(value).toISOString();
  return `${value.toLocaleString('en')}${unit === '' ? '' : ` ${unit}`}`;
}

function row({ what, constant: name, unit }: Limit): string[] {
  const declared = constant(name);
  return [what, shown(numberOf(declared.initializer!), unit), wordsOf(declared)];
}

interface Schema {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}

/** `path` → from and to, of every number of the document that has an upper bound of its own. */
function bounds(schema: Schema, path: string): [string, string][] {
  const [least, most] = [schema.minimum ?? schema.exclusiveMinimum, schema.maximum ?? schema.exclusiveMaximum];
  const own: [string, string][] =
    most !== undefined && most < Number.MAX_SAFE_INTEGER
      ? [
          [
            path,
            `${least} to ${most.toLocaleString('en')}${schema.exclusiveMaximum === undefined ? '' : ', both excluded'}`,
          ],
        ]
      : [];
  const parts = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap((part) => bounds(part, path));
  const items = schema.items ? bounds(schema.items, `${path}[]`) : [];
  const members = Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    bounds(value, path === '' ? key : `${path}.${key}`),
  );
  return [...new Map([...own, ...parts, ...items, ...members])];
}

export function limitsPage(): string {
  const document = z.toJSONSchema(useCaseSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
  return page(
    'Limits',
    ['the constants that the checks compare with', 'core/ir/schema.ts'],
    [
      "What is above a limit is refused by its name, where it comes in or at `cdk synth`; nothing is cut off in silence.\nQuotas of AWS are the account's: `npx tidemark doctor` looks at those that matter.",
      ...Object.entries(LIMITS).flatMap(([title, limits]) => [
        `## ${title}`,
        table(['what', 'limit', 'in the words of the source'], limits.map(row)),
      ]),
      '## The document of a use case',
      'Numbers of the document that a definition compiles to.',
      table(
        ['member', 'allowed'],
        bounds(document, '').map(([path, allowed]) => [code(path), allowed]),
      ),
    ],
  );
}
