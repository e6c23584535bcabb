import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Pick } from '../../core/aggregates/picks.ts';
import { decodeState, encodeState } from '../../core/state/codec.ts';
import { compileView } from '../../core/state/plan.ts';
import { applyEvents, type EntityState, emptyState } from '../../core/state/state.ts';
import { ByteReader, ByteWriter, CodecError } from '../../core/values/bytes.ts';
import { stream, view } from './generators.ts';

/** With everything read that is bytes still. */
function plain(state: EntityState) {
  const levels = state.levels.map((tiles) =>
    tiles.all().map(({ start, cells }) => ({ start, cells: cells.map(read) })),
  );
  return { ...state, recent: state.recent.list(), levels };
}

function read(cell: unknown): unknown {
  if (Array.isArray(cell)) return cell.map(read);
  if (cell === null || typeof cell !== 'object' || !('event_id' in cell)) return cell;
  const { event_time, available_at, event_id, value } = cell as Pick;
  return { event_time, available_at, event_id, value };
}

function written(write: (out: ByteWriter) => void): ByteReader {
  const out = new ByteWriter();
  write(out);
  return new ByteReader(out.finish());
}

describe('primitives round-trip at their edges', () => {
  const unsigned = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER));
  const signed = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-63, -64, 63, 64, Number.MIN_SAFE_INTEGER));

  test('varint', () => {
    fc.assert(fc.property(unsigned, (n) => expect(written((out) => out.varint(n)).varint()).toBe(n)));
  });
  test('signed', () => {
    fc.assert(fc.property(signed, (n) => expect(written((out) => out.signed(n)).signed()).toBe(n)));
  });
  test('hash', () => {
    fc.assert(fc.property(unsigned, (n) => expect(written((out) => out.hash(n)).hash()).toBe(n)));
  });
  test('text', () => {
    const wellFormed = fc.string({ unit: 'grapheme', maxLength: 2000 });
    fc.assert(fc.property(wellFormed, (s) => expect(written((out) => out.text(s)).text()).toBe(s)));
  });
  test('bitmap', () => {
    const bits = fc.array(fc.boolean(), { maxLength: 70 });
    fc.assert(fc.property(bits, (b) => expect(written((out) => out.bitmap(b)).bitmap(b.length)).toEqual(b)));
  });
  test('a negative varint is refused, not wrapped', () => {
    expect(() => new ByteWriter().varint(-1)).toThrow(CodecError);
    expect(() => new ByteWriter().varint(Number.NaN)).toThrow(CodecError);
  });
});

describe('states', () => {
  test('round-trip to the same value and the same bytes', () => {
    fc.assert(
      fc.property(view, stream, (definition, events) => {
        fc.pre(events.length > 0);
        const plan = compileView(definition);
        const { state } = applyEvents(plan, emptyState(plan), events);
        const bytes = encodeState(plan, state);
        const read = decodeState(plan, bytes, state.watermarks);
        expect(plain(read)).toEqual(plain(state));
        expect(encodeState(plan, read)).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test('a cut, a longer one and another version are errors with a next step', () => {
    const [definition] = fc.sample(view, { seed: 1, numRuns: 1 });
    const events = fc.sample(stream, { seed: 1, numRuns: 20 }).find((candidate) => candidate.length > 5)!;
    const plan = compileView(definition!);
    const bytes = encodeState(plan, applyEvents(plan, emptyState(plan), events).state);
    for (let length = 1; length < bytes.length; length++) {
      expect(() => decodeState(plan, bytes.subarray(0, length), {})).toThrow(CodecError);
    }
    expect(() => decodeState(plan, Uint8Array.from([...bytes, 0]), {})).toThrow(/another view/);
    expect(() => decodeState(plan, Uint8Array.from([9, ...bytes.slice(1)]), {})).toThrow(/codec version: found 9/);
    for (const version of [0, 4, 0x80, 0x81, 0x82, 0x84, 255])
      expect(() => decodeState(plan, Uint8Array.from([version, ...bytes.slice(1)]), {})).toThrow(
        /codec version: found/,
      );
  });
});
