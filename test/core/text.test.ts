/** Producers' texts cost one pass, whatever they hold: counted, not timed. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ByteReader, ByteWriter } from '../../core/values/bytes.ts';
import { type Characters, ends, isIdentifier, isLonger, trimmed } from '../../core/values/text.ts';

/** A text that counts how often it is read. */
function counted(text: string): Characters & { reads: number } {
  return {
    reads: 0,
    length: text.length,
    charCodeAt(i: number) {
      this.reads++;
      return text.charCodeAt(i);
    },
  };
}

const blanks = fc.integer({ min: 0, max: 400 }).map((n) => ' \t\n\v\f\r'.repeat(Math.ceil(n / 6)).slice(0, n));
/** Runs of blanks with something between them, at the ends or not: what a search for the end of a run stumbles over. */
const padded = fc.array(fc.oneof(blanks, fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 12 });

test('white space is trimmed in one pass', () => {
  fc.assert(
    fc.property(padded, (parts) => {
      const text = parts.join('');
      const read = counted(text);
      const [from, to] = ends(read);
      expect(read.reads).toBeLessThanOrEqual(text.length + 2);
      expect(text.slice(from, to)).toBe(trimmed(text));
      // The same as the obvious expression, which is quadratic in a run of blanks inside.
      expect(trimmed(text)).toBe(text.replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, ''));
    }),
  );
});

test('a run of blanks inside is read by neither end', () => {
  const read = counted(` a${' '.repeat(250_000)}a `);
  ends(read);
  expect(read.reads).toBe(4);
});

test('lengths are code points', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 12 }), fc.nat(12), (text, max) => {
      expect(isLonger(text, max)).toBe([...text].length > max);
    }),
  );
  expect(isIdentifier('😀'.repeat(256), 256)).toBe(true);
  expect(isIdentifier('😀'.repeat(257), 256)).toBe(false);
});

test.each(['', '\0', 'a\nb', 'a\r', '\u0085', '\u2028', '\u2029', '\ud83d', '\udc00a', '\uffff', '\ufffe', 'a\u007f'])(
  'no id: %j',
  (text) => {
    expect(isIdentifier(text, 10)).toBe(false);
  },
);

test('a text comes back from a state as it went in, whatever it begins with', () => {
  fc.assert(
    fc.property(fc.constantFrom('', '\ufeff', '\u200b'), fc.string({ unit: 'grapheme' }), (mark, rest) => {
      const writer = new ByteWriter();
      writer.text(mark + rest);
      expect(new ByteReader(writer.finish()).text()).toBe(mark + rest);
    }),
  );
});
