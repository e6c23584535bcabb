import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { MAX_RECORD_BYTES, MAX_RECORDS, MAX_REQUEST_BYTES } from '../../cli/stage/stream-writer.ts';
import { MAX_ENTITIES } from '../../lambdas/api/requests.ts';
import { BATCH_GET_LIMIT } from '../../lambdas/aws/dynamo/batch-get.ts';
import { MAX_EVENT_BYTES, MAX_STATE_BYTES } from '../../names/limits.ts';

/** AWS's limits, each with its source. */
const rows = JSON.parse(readFileSync('local/tidemark_local/host/limits.json', 'utf8')) as {
  id: string;
  value: number;
}[];
const limit = (id: string): number => {
  const row = rows.find((found) => found.id === id);
  if (!row) throw new Error(`local/tidemark_local/host/limits.json has no ${id}`);
  return row.value;
};

describe("the app's own limits", () => {
  test('are those of AWS where they say the same', () => {
    expect(BATCH_GET_LIMIT).toBe(limit('dynamodb.batch-get-keys'));
    expect(MAX_RECORDS).toBe(limit('kinesis.records'));
    expect(MAX_RECORD_BYTES).toBe(limit('kinesis.record-bytes'));
  });

  test.each([
    ['a state, which is an item', MAX_STATE_BYTES, limit('dynamodb.item-bytes')],
    ['an event, which is a record', MAX_EVENT_BYTES, limit('kinesis.record-bytes')],
    ['a request to Kinesis', MAX_REQUEST_BYTES, limit('kinesis.request-bytes')],
    ['the states of a request to the API, which are one BatchGetItem', MAX_ENTITIES, limit('dynamodb.batch-get-keys')],
  ])('keep %s within what AWS takes', (_, ours, aws) => {
    expect(ours).toBeLessThanOrEqual(aws);
  });
});
