/** Files of the past on their way into the lake: read wholly, each content once, under a key of its own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CreateBucketCommand, GetObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { keyOf, packHistory, uploadHistory } from '../../cli/commands/history/files.ts';
import { connectTo } from '../../cli/stage/connection.ts';
import { startLocalCloud } from '../../local/cloud.ts';
import { CONTENT } from '../../names/lake.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-past-'));
  mkdirSync(join(folder, '2016'));
  mkdirSync(join(folder, '2017'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const [A, B, C] = ['{"event_id":"a"}', '{"event_id":"b"}', '{"event_id":"c"}'];
const textOf = (packed: string) => gunzipSync(readFileSync(packed)).toString();

test('every ending is read; a line keeps its number, and one record is on one line', async () => {
  const files = [
    file('events.json', `[${A},\n ${B}]`),
    file('events.jsonl', `\ufeff${A}\r\n\r\n{oops\r\n${B}`),
    file('part-0000.json.gz', gzipSync(C)),
  ];
  const packed = await packHistory(files);
  try {
    expect(packed.files.map((one) => textOf(one.packed))).toEqual([`${A}\n${B}\n`, `${A}\n\n{oops\n${B}\n`, `${C}\n`]);
    expect(packed.records).toBe(6);
    const keys = packed.files.map(keyOf);
    expect(keys[0]).toMatch(/^raw\/history\/events\.[0-9a-f]{32}\.ndjson\.gz$/);
    expect(keys[2]).toMatch(/^raw\/history\/part-0000\.[0-9a-f]{32}\.ndjson\.gz$/);
  } finally {
    packed.dispose();
  }
});

test('files of one name have keys of their own, and one content is there once however it is written', async () => {
  file('2016/events.ndjson', `${A}\n`);
  file('2017/events.ndjson', `${B}\n`);
  file('2017/again.json', `[${B}]`);
  file('2017/empty.ndjson', '');
  const packed = await packHistory([join(folder, '2016'), join(folder, '2017'), join(folder, '2016/events.ndjson')]);
  try {
    expect(packed.files.map(({ source }) => source)).toEqual([
      join(folder, '2016/events.ndjson'),
      join(folder, '2017/again.json'),
    ]);
    expect(packed.copies).toEqual([[join(folder, '2017/events.ndjson'), join(folder, '2017/again.json')]]);
    expect(new Set(packed.files.map(keyOf)).size).toBe(2);
  } finally {
    packed.dispose();
  }
  expect(keyOf({ source: '/x/_hidden ß.json.gz', content: 'c' })).toBe('raw/history/hidden__.c.ndjson.gz');
  expect(keyOf({ source: '-', content: 'c' })).toBe('raw/history/stdin.c.ndjson.gz');
});

test('what cannot be read is named, all of it, and nothing is uploaded', async () => {
  const cut = file('cut.ndjson.gz', gzipSync(`${A}\n`.repeat(99)).subarray(0, -5));
  const table = file('table.csv', 'event_id\na\n');
  const refused = packHistory([file('fine.json', A), cut, table]);
  await expect(refused).rejects.toThrow(
    /cut\.ndjson\.gz is gzip data that ends early.*\n.*table\.csv has no JSON object/,
  );
  await expect(refused).rejects.toThrow(/Nothing was uploaded/);
  await expect(packHistory([file('nothing.json', '[]'), file('blank.json', '\r\n')])).rejects.toThrow(
    /no events in .*nothing/,
  );
});

test('in the lake: loaded twice, a file is there once, and says by itself which content it has', async () => {
  const cloud = await startLocalCloud({ quiet: true });
  try {
    const { s3 } = connectTo(cloud).clients;
    const Bucket = 'past';
    await s3.send(new CreateBucketCommand({ Bucket }));
    for (const name of ['2016/events.ndjson', '2016/events.ndjson', '2017/events.ndjson'])
      expect(await uploadHistory(s3, Bucket, [join(folder, name)])).toBeGreaterThan(20);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents).toHaveLength(2);
    for (const { Key = '' } of Contents ?? []) {
      const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
      expect(Key).toContain(`.${Metadata?.[CONTENT]}.`);
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      expect([`${A}\n`, `${B}\n`]).toContain(gunzipSync((await Body?.transformToByteArray()) ?? '').toString());
    }
  } finally {
    await cloud.stop();
  }
});
