/** Random cases of maps, by a seed: what the map of core/intake makes of them is what every engine has to. */

import { compileMap, type MappedEvent } from '../../../core/intake/map.ts';
import type { ContractIR, MapRuleIR, SelectorIR, SourceIR } from '../../../core/ir/document.ts';
import { Rejection } from '../../../core/ir/rejection.ts';

export interface MapCase {
  readonly rule: string;
  readonly source: Pick<SourceIR, 'name' | 'map'>;
  readonly body: unknown;
  readonly id: string | null;
  /** The event, or why there is none; null: no rule asks for the item. */
  readonly expect: { readonly event: MappedEvent } | { readonly reason: string } | null;
}

/** What a map makes of a case. */
export function mapped(
  { source, body, id }: Omit<MapCase, 'expect'>,
  contracts: readonly ContractIR[],
): MapCase['expect'] {
  try {
    const event = compileMap(source.name, source.map, contracts)({ body, id, kind: 'item' });
    return event && { event };
  } catch (error) {
    if (error instanceof Rejection) return { reason: error.reason };
    throw error;
  }
}

const SEED = 20_160;
const CASES = 200;

/** @param contracts of the cases by hand */
export function randomCases(contracts: readonly ContractIR[]): readonly MapCase[] {
  const random = generator(SEED);
  const made = Array.from({ length: CASES }, (_, i) => randomCase(random, i));
  // As JSON has it: -0 is 0 there, and what is undefined is not there.
  return made.map((one) => JSON.parse(JSON.stringify({ ...one, expect: mapped(one, contracts) })) as MapCase);
}

/** Numbers in [0, 1): mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Random = () => number;
const oneOf = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

const NAMES = ['a', 'b', 'a/b', 'a~b', '', '0', '1', 'größe', 'toString'];
const TEXTS = [
  '',
  ' x ',
  'ann',
  'TRUE',
  'no',
  '7',
  '-0.005',
  '19.995',
  '1e3',
  '9007199254740993',
  '2023-11-14T22:13:20.5Z',
];
const MORE_TEXTS = ['2024-07-01 12:00:00', '1700000000.1239', 'ÄbC', '😀', 'b', '\u00a0a', 'a'.repeat(130)];
const NUMBERS = [0, 1, 2, -1, 7.5, 1990, 1_700_000_000, 1_700_000_000_123, 2 ** 53 - 1, 2 ** 53, 1e21, 0.1 + 0.2];
const SCALARS = [null, true, false, ...TEXTS, ...MORE_TEXTS, ...NUMBERS];

function value(random: Random, depth: number): unknown {
  const kind = random();
  if (depth > 0 && kind < 0.25)
    return Object.fromEntries(NAMES.filter(() => random() < 0.5).map((name) => [name, value(random, depth - 1)]));
  if (depth > 0 && kind < 0.4) return Array.from({ length: Math.floor(random() * 3) }, () => value(random, depth - 1));
  return oneOf(random, SCALARS);
}

function place(random: Random): string {
  const parts = Array.from({ length: 1 + Math.floor(random() * 2) }, () => oneOf(random, NAMES));
  return parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const constant = (random: Random) =>
  ({
    const: oneOf(
      random,
      SCALARS.filter((one) => one !== null),
    ),
  }) as SelectorIR;

function selectors(random: Random, known: string): SelectorIR[] {
  const found: SelectorIR[] = Array.from({ length: Math.floor(random() * 2) }, () => ({ at: place(random) }));
  return [...found, random() < 0.7 ? { at: known } : constant(random)];
}

function condition(random: Random): MapRuleIR['when'][number] {
  const at = place(random);
  const scalar = () => oneOf(random, SCALARS);
  return oneOf(random, [
    () => ({ at, op: 'eq', value: scalar() }) as const,
    () => ({ at, op: 'ne', value: scalar() }) as const,
    () => ({ at, op: 'in', value: [scalar(), scalar(), scalar()] }) as const,
    () => ({ at, op: 'starts', value: oneOf(random, ['a', '1', '2023', ' ']) }) as const,
    () => ({ at, op: 'exists' }) as const,
    () => ({ at, op: 'missing' }) as const,
  ])();
}

const AS = [
  { type: 'string', trim: true, max_length: 100 },
  { type: 'string', trim: false, case: 'lower', max_length: 4 },
  { type: 'enum', trim: true, case: 'lower', values: ['a', 'b', 'ann'] },
  { type: 'int', min: 0 },
  { type: 'decimal', scale: 2 },
  { type: 'decimal', scale: 0, max: 2000 },
  { type: 'bool' },
  { type: 'timestamp', format: 'iso8601' },
  { type: 'timestamp', format: 'epoch_s' },
  { type: 'timestamp', format: 'epoch_ms' },
] as const;

function property(random: Random, name: string): MapRuleIR['properties'][number] {
  const as = random() < 0.7 ? { ...oneOf(random, AS), name: 'value', required: true } : undefined;
  const shift = random() < 0.3 ? { shift: oneOf(random, [1, 2, 9, -1, -3]) } : {};
  return { name, from: selectors(random, '/known/p'), ...(as && { as }), ...shift };
}

const FIELDS: Readonly<Record<number, readonly string[]>> = {
  1: ['amount', 'currency', 'items', 'paid', 'due', 'note'],
  2: ['amount', 'due', 'late', 'kind'],
  3: ['amount'],
};

function randomRule(random: Random): MapRuleIR {
  const schema_version = oneOf(random, [1, 2, 3]);
  const fields = FIELDS[schema_version]!.filter(() => random() < 0.4);
  return {
    when: Array.from({ length: Math.floor(random() * 1.5) }, () => condition(random)),
    event_type: 'sale',
    schema_version,
    entity: selectors(random, '/known/e'),
    ...(random() < 0.7 && { id: [{ at: '/known/i' }, ...(random() < 0.3 ? selectors(random, '/known/v') : [])] }),
    time: { from: [{ at: '/known/t' }], format: random() < 0.8 ? 'epoch_ms' : oneOf(random, ['epoch_s', 'iso8601']) },
    properties: fields.map((name) => property(random, name)),
    ...(random() < 0.3 && { rest: oneOf(random, ['', '/a', '/known']) }),
  };
}

function randomCase(random: Random, number: number): Omit<MapCase, 'expect'> {
  const known = {
    e: random() < 0.9 ? oneOf(random, ['ann', 'bob', 7]) : oneOf(random, SCALARS),
    i: random() < 0.9 ? oneOf(random, ['1', 2, 'a'.repeat(130)]) : oneOf(random, SCALARS),
    t: random() < 0.9 ? oneOf(random, [1, 1_700_000_000_123, '1700000000.5']) : oneOf(random, SCALARS),
    v: oneOf(random, SCALARS),
    p: oneOf(random, SCALARS),
  };
  const others = Object.fromEntries(NAMES.filter(() => random() < 0.6).map((name) => [name, value(random, 2)]));
  return {
    rule: `random ${number}`,
    source: { name: 'shop', map: Array.from({ length: 1 + Math.floor(random() * 2) }, () => randomRule(random)) },
    body: { ...others, known },
    id: random() < 0.5 ? 'evt_1' : null,
  };
}
