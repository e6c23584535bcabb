/** The card of a version is what its training job wrote beside the model. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { expect, test } from '@jest/globals';
import { pack } from 'tar-stream';
import { readCard, textOf, writeCard } from '../../cli/commands/model/card.ts';

const model = {
  version: 3,
  arn: 'arn',
  approval: 'Approved',
  reason: '',
  created: 0,
  artefact: 's3://lake/models/job/output/model.tar.gz',
  metadata: {},
};
const FILES = {
  'card.md': '# Model card: tiny',
  'card.json': '{}',
  'trials.json': '{"trials": []}',
  'plots/lift.svg': '<svg/>',
  'metrics.json': '{}',
  '../escaped.svg': '<svg/>',
};

async function archive(files: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

/** As S3, with one object. */
const lake = (Key: string, content: Uint8Array) =>
  ({
    send: async ({ input }: GetObjectCommand) => {
      if (input.Bucket !== 'lake' || input.Key !== Key) throw new NoSuchKey({ message: 'gone', $metadata: {} });
      return { Body: { transformToByteArray: async () => content } };
    },
  }) as unknown as S3Client;

test('the text is printed, and all of the card is written, and nothing else', async () => {
  const card = await readCard(lake('models/job/output/output.tar.gz', await archive(FILES)), model);
  expect(textOf(card)).toBe('# Model card: tiny');
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-card-'));
  try {
    expect(await writeCard(card, join(folder, 'out'))).toBe(join(folder, 'out', 'card.md'));
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(
      [
        'out',
        ...['card.json', 'card.md', 'plots', 'plots/lift.svg', 'trials.json'].map((name) => `out/${name}`),
      ].sort(),
    );
    expect(readFileSync(join(folder, 'out', 'plots', 'lift.svg'), 'utf8')).toBe('<svg/>');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('why there is none is one sentence', async () => {
  const elsewhere = { ...model, artefact: 's3://lake/brought-along.tar.gz' };
  const empty = lake('models/job/output/output.tar.gz', await archive({ 'metrics.json': '{}' }));
  await expect(readCard(empty, elsewhere)).rejects.toThrow('Version 3 was not trained here: it has no card.');
  await expect(readCard(empty, model)).rejects.toThrow('The training of version 3 wrote no card: train it again.');
  await expect(readCard(lake('other', new Uint8Array()), model)).rejects.toThrow(
    /^The output .* is gone; the registry/,
  );
});
