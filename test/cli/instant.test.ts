import { expect, test } from '@jest/globals';
import { program } from '../../cli/main.ts';

const asOf = program()
  .commands.find((command) => command.name() === 'train')!
  .options.find(({ long }) => long === '--as-of')!;

test.each([
  ['2017-12-01', Date.parse('2017-12-01T00:00:00Z')],
  ['2017-12-01T10:00:00+02:00', Date.parse('2017-12-01T08:00:00Z')],
])('train --as-of %s', (text, ms) => {
  expect(asOf.parseArg!(text, undefined)).toBe(ms);
});

// Date.parse would take the first two as times of whatever zone this machine is in.
test.each(['2017-12-01T10:00:00', 'Dec 1 2017', '2017-02-30', ''])('train --as-of %p is refused', (text) => {
  expect(() => asOf.parseArg!(text, undefined)).toThrow(
    'allowed is a day such as 2017-12-01 or an ISO time with a zone',
  );
});
