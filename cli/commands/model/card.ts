import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3';
import { filesIn } from '../../../lambdas/aws/archive.ts';
import { CliError } from '../../errors.ts';
import type { ModelVersion } from './models.ts';

const CARD = 'card.md';
/** What of the output of a training is a card. */
const OF_CARD = /^(card\.(md|json)|trials\.json|plots\/[\w-]+\.svg)$/;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The card that the training job wrote, by the names of its files: text, JSON, trials, plots.
 * @throws CliError when it is gone, or was never there
 */
export async function readCard(client: S3Client, { version, artefact }: ModelVersion): Promise<Map<string, Buffer>> {
  const [, Bucket, folder] = /^s3:\/\/([^/]+)\/(.*\/)model\.tar\.gz$/.exec(artefact) ?? [];
  if (!folder) throw new CliError(`Version ${version} was not trained here: it has no card.`);
  const files = await filesIn(await load(client, Bucket!, `${folder}output.tar.gz`, version), MOST_BYTES);
  const card = new Map([...files].filter(([name]) => OF_CARD.test(name)));
  if (!card.has(CARD)) throw new CliError(`The training of version ${version} wrote no card: train it again.`);
  return card;
}

async function load(client: S3Client, Bucket: string, Key: string, version: number): Promise<Uint8Array> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return await Body!.transformToByteArray();
  } catch (error) {
    if (!(error instanceof NoSuchKey)) throw error;
    throw new CliError(
      `The output of the training of version ${version} is gone; the registry keeps its card without the plots.`,
    );
  }
}

/** @returns the text, for a terminal. */
export const textOf = (card: ReadonlyMap<string, Buffer>): string => card.get(CARD)!.toString('utf8');

/** Writes all files of the card. @returns the path of its text */
export async function writeCard(card: ReadonlyMap<string, Buffer>, folder: string): Promise<string> {
  for (const [name, content] of card) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return join(folder, CARD);
}
