/** docs/reference/settings.md: every setting of a stage, from the zod schema and the stages' own files. */
import { z } from 'zod';
import { stageConfig } from '../../lib/config/stage-config.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { SHORTEST_BAKE_SECONDS } from '../../lib/training/rollback-alarms.ts';
import { code, page, table } from './markdown.ts';
import { type FieldWords, schemaWords } from './schema-words.ts';

const STAGES = ['prod', 'dev', 'local'] as const;

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly Schema[];
}

interface Setting {
  readonly path: string;
  readonly allowed: string;
}

function settings(schema: Schema, path: string, optional: boolean): Setting[] {
  if (schema.oneOf) {
    const all = new Map<string, string[]>();
    for (const { path: own, allowed } of schema.oneOf.flatMap((option) => settings(option, path, optional)))
      all.set(own, [...new Set([...(all.get(own) ?? []), allowed])]);
    return [...all].map(([own, allowed]) => ({ path: own, allowed: allowed.join(' or ') }));
  }
  if (!schema.properties) return [{ path, allowed: `${allowedBy(schema)}${optional ? ', or absent' : ''}` }];
  return Object.entries(schema.properties).flatMap(([key, value]) =>
    settings(value, path === '' ? key : `${path}.${key}`, optional || !schema.required?.includes(key)),
  );
}

function allowedBy({ type, const: only, enum: choices, minimum, maximum, items }: Schema): string {
  if (only !== undefined) return code(String(only));
  if (choices) return choices.map((one) => code(String(one))).join(', ');
  if (type === 'integer') return `${minimum!.toLocaleString('en')} to ${maximum!.toLocaleString('en')}`;
  if (type === 'number') return `${minimum} to ${maximum}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'array') return `a list of ${items?.format ?? items?.type ?? 'values'}s`;
  return type === 'object' ? 'names and texts' : 'text';
}

function valueAt(path: string, stage: unknown): string {
  const value = path
    .split('.')
    .reduce<unknown>((own, key) => (own as Record<string, unknown> | undefined)?.[key], stage);
  if (value === undefined) return '–';
  if (Array.isArray(value) && value.length === 0) return 'none';
  return typeof value === 'object'
    ? Object.entries(value!)
        .map(([key, own]) => `${key}=${own}`)
        .join(', ')
    : code(String(value));
}

/** What a setting is for; of a part of a group that says nothing itself: what the group says. @throws Error when nothing does */
function wordsAt(path: string, words: ReadonlyMap<string, FieldWords>): string {
  const said = words.get(path)?.words || words.get(path.slice(0, path.lastIndexOf('.')))?.words;
  if (!said) throw new Error(`${path}: found no docstring beside it; allowed: one sentence of what it is for`);
  return said;
}

export function settingsPage(): string {
  const schema = z.toJSONSchema(stageConfig, { io: 'input' }) as Schema;
  const words = schemaWords('stageConfig', { SHORTEST_BAKE_SECONDS });
  const configs = STAGES.map((stage) => loadStage(stage));
  const blocks = Object.entries(schema.properties!).map(([key, part]) => {
    const own = settings(part, key, !schema.required?.includes(key));
    const rows = own.map(({ path, allowed }) => {
      const rules = words.get(path)?.rules ?? [];
      return [
        code(path),
        [...(allowed.startsWith('text') && rules.length > 0 ? [] : [allowed]), ...rules].join('; '),
        ...configs.map((config) => valueAt(path, config)),
        wordsAt(path, words),
      ];
    });
    const group = own.length === 1 && own[0]!.path === key ? '' : (words.get(key)?.words ?? '');
    const rule = own[0]!.path === key ? [] : (words.get(key)?.rules ?? []);
    return [
      `## ${key}`,
      ...[group, ...rule].filter((line) => line !== ''),
      table(['setting', 'allowed', ...STAGES, 'what'], rows),
    ].join('\n\n');
  });
  return page(
    'Settings of a stage',
    ['lib/config/stage-config.ts', 'lib/config/prod.ts', 'lib/config/dev.ts', 'lib/config/local.ts'],
    [
      'What differs between stages stands in one file each, `lib/config/<stage>.ts`; everything else is code.\nA value that is not allowed is refused at `cdk synth`, with its name, what was found and what is allowed.\n"–" is absent.',
      ...blocks,
    ],
  );
}
