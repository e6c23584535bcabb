/** The stream side as a whole, under everything that Kinesis, Lambda and DynamoDB may do to it. */
import { expect, test } from '@jest/globals';
import { testSeeds } from './seeds.ts';
import { simulate } from './simulate.ts';

testSeeds(0);

test('a seed always comes to the same end', async () => {
  const digests = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const [one, other] = [await simulate(seed), await simulate(seed)];
    expect(other).toEqual(one);
    digests.add(one.digest);
  }
  expect(digests.size).toBe(20);
});
