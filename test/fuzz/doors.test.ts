/** Odd requests at the front doors. A hundred thousand at each: npm run fuzz -- --doors 100000 */
import { describe, expect, test } from '@jest/globals';
import { answer, type FrontDoor } from '../../lambdas/intake-http/front-door.ts';
import { SOURCES } from '../lambdas/intake-http/door.ts';
import { fuzzDoor } from './doors.ts';
import { fuzzWay, WAYS } from './ways.ts';

const SEED = 1;
const REQUESTS = 300;

test.each(SOURCES)(
  `${REQUESTS} odd requests of %s: no error, and nothing is said to be taken that isn't`,
  async (source) => {
    const { problems, counts } = await fuzzDoor(source, SEED, REQUESTS);
    if (problems.length > 0)
      throw new Error(`${problems.slice(0, 5).join('\n')}\nagain: npm run fuzz -- --seed ${SEED} --doors ${REQUESTS}`);
    // The odd is not all there is, and each kind of answer is there.
    for (const kind of ['200', '400', '401', '415', '503', 'events', 'refused'])
      expect([kind, counts[kind]! > 0]).toEqual([kind, true]);
  },
);

test.each(WAYS)('%s: odd records by its way are events, kept or told of, and nothing raises', async (source) => {
  const { problems, counts } = await fuzzWay(source, SEED, 1000);
  expect(problems.slice(0, 5)).toEqual([]);
  for (const kind of ['events', 'refused', 'again']) expect([kind, counts[kind]! > 0]).toEqual([kind, true]);
});

type Way = typeof answer;
type Take = FrontDoor['take'];
/** Each has to be found. */
const PLANTED: Readonly<Record<string, Way>> = {
  'what the stream does not take is not told': taking((take) => async (record, taken) => ({
    ...(await take(record, taken)),
    failed: [],
  })),
  'what is refused is not kept': taking((take) => (record, taken) => take(record, { ...taken, refused: [] })),
  'the last event is lost': taking(
    (take) => (record, taken) => take(record, { ...taken, events: taken.events.slice(0, -1) }),
  ),
  'a body that can not be read is answered with 2xx': async (door, event) => {
    const answered = await answer(door, event);
    return answered.statusCode === 400 ? { ...answered, statusCode: 200 } : answered;
  },
  'it raises where there is a zero byte': (door, event) =>
    answer(
      { ...door, intake: (raw, context) => (raw.includes(0) ? JSON.parse('') : door.intake(raw, context)) },
      event,
    ),
};

function taking(change: (take: Take) => Take): Way {
  return (door, event) => answer({ ...door, take: change(door.take) }, event);
}

describe('planted bugs', () => {
  test.each(Object.keys(PLANTED))('%s', async (bug) => {
    expect((await fuzzDoor('web', SEED, REQUESTS, PLANTED[bug])).problems).not.toEqual([]);
  });
});
