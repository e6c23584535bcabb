/** min and max: of numbers, and of texts by code point. */

import { declare, type Ordered, type ScalarOf, type Textual, type ValuesSpec } from '../definition/declare.ts';
import type { AggregateFeature } from '../definition/feature.ts';
import { SIGNED, VARINT } from '../values/byte-sizes.ts';
import { compareCodePoints } from '../values/text.ts';
import { type Aggregation, INEXACT, NUMBERS, type Partial, type PartialType, TEXTS } from './aggregation.ts';

type Extreme = number | string;

/** Bytes: signed value. */
const ofNumbers = (keep: (a: number, b: number) => number): Partial<number> => ({
  add: (cell, value) => (cell === null ? Number(value) : keep(cell, Number(value))),
  merge: keep,
  // Who was second is not known.
  remove: (cell, value) => (cell === Number(value) ? INEXACT : cell),
  write: (out, cell) => out.signed(cell),
  read: (from) => from.signed(),
});

/** Bytes: text. */
const ofTexts = (keep: (a: string, b: string) => string): Partial<string> => ({
  add: (cell, value) => (cell === null ? String(value) : keep(cell, String(value))),
  merge: keep,
  remove: (cell, value) => (cell === value ? INEXACT : cell),
  write: (out, cell) => out.text(cell),
  read: (from) => from.text(),
});

/** @param sign 1 for the least, -1 for the greatest */
function aggregation(op: 'min' | 'max', sign: 1 | -1): Aggregation<Extreme> {
  const texts = ofTexts((a, b) => (sign * compareCodePoints(a, b) <= 0 ? a : b));
  const numbers = ofNumbers(Math[op]);
  const partial: PartialType<Extreme> = {
    kind: op,
    make: ({ value_type }) => (value_type === 'string' ? texts : numbers) as Partial<Extreme>,
    largest: ({ value_type }, { text }) => (value_type === 'string' ? VARINT + text : SIGNED),
  };
  return {
    op,
    partial,
    field: { required: true, types: [...NUMBERS.types!, ...TEXTS.types!] },
    valueType: (scalar) => (scalar === 'string' ? 'string' : 'int'),
    finalise: (cell) => cell,
  };
}

export const MIN = aggregation('min', 1);
export const MAX = aggregation('max', -1);
/** The least value; of texts the first by code point. */
export const min = <E extends string, T extends Ordered | Textual>(
  spec: ValuesSpec<E, T>,
): AggregateFeature<ScalarOf<T>> => declare(MIN, spec);
/** The greatest value; of texts the last by code point. */
export const max = <E extends string, T extends Ordered | Textual>(
  spec: ValuesSpec<E, T>,
): AggregateFeature<ScalarOf<T>> => declare(MAX, spec);
