/** Files of the past on their way into the lake: read wholly and written anew as packed lines before any is uploaded. */
import { createHash } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { CONTENT, CONTENT_DIGITS, NDJSON, PREFIX } from '../../../names/lake.ts';
import { CliError } from '../../errors.ts';
import type { BadLine } from '../../input/bad-lines.ts';
import { inputFiles } from '../../input/files.ts';
import { readLines } from '../../input/lines.ts';
import type { EventReader } from '../../input/rows/events.ts';
import { STDIN } from '../../input/text.ts';

const WRITE_BYTES = 65_536;
const LINE_END = Buffer.from('\n');

interface PackedFile {
  readonly source: string;
  readonly packed: string;
  readonly content: string;
  readonly records: number;
}

export interface PackedHistory {
  /** Each content once. */
  readonly files: readonly PackedFile[];
  /** Files left out, each with one of the same content. */
  readonly copies: readonly (readonly [string, string])[];
  readonly records: number;
  /** Rows of which no event could be made. */
  readonly bad: readonly BadLine[];
  /** Deletes what was written. */
  dispose(): void;
}

/**
 * @param names files, folders, patterns or `-`
 * @param read of a file @default - lines of JSON events
 * @throws CliError that names every file that can't be read wholly, or says that there is no event in any
 */
export async function packHistory(names: readonly string[], read: EventReader = readLines): Promise<PackedHistory> {
  const sources = await inputFiles(names);
  const work = mkdtempSync(join(tmpdir(), 'tidemark-history-'));
  const dispose = () => rmSync(work, { recursive: true, force: true });
  try {
    const files = new Map<string, PackedFile>();
    const copies: [string, string][] = [];
    const problems: string[] = [];
    const bad: BadLine[] = [];
    for (const [i, source] of sources.entries()) {
      try {
        const file = await pack(source, join(work, String(i)), read, bad);
        const same = files.get(file.content);
        if (file.records === 0) continue;
        if (same) copies.push([source, same.source]);
        else files.set(file.content, file);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        problems.push(error.message);
      }
    }
    const records = [...files.values()].reduce((sum, file) => sum + file.records, 0);
    if (problems.length > 0) throw new CliError(`${problems.join('\n')}\nNothing was uploaded.`, 2);
    if (records === 0) throw new CliError(`There are no events in ${names.join(', ')}: nothing was uploaded.`, 2);
    return { files: [...files.values()], copies, records, bad, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** A record a line; a line keeps its number, so blank ones stay. */
async function pack(source: string, packed: string, read: EventReader, bad: BadLine[]): Promise<PackedFile> {
  const hash = createHash('sha256');
  let [records, lines] = [0, 0];
  async function* text(): AsyncGenerator<Buffer> {
    let held: Buffer[] = [];
    let bytes = 0;
    for await (const line of read(source)) {
      if ('reason' in line) {
        bad.push(line);
        continue;
      }
      for (; lines < line.number - 1; lines++) held.push(LINE_END);
      held.push(line.bytes, LINE_END);
      bytes += line.bytes.length;
      lines++;
      records++;
      if (bytes < WRITE_BYTES) continue;
      const part = Buffer.concat(held);
      hash.update(part);
      yield part;
      [held, bytes] = [[], 0];
    }
    const last = Buffer.concat(held);
    hash.update(last);
    yield last;
  }
  await pipeline(Readable.from(text(), { objectMode: false }), createGzip(), createWriteStream(packed));
  return { source, packed, records, content: hash.digest('hex').slice(0, CONTENT_DIGITS) };
}

/** The same content has the same key: loaded again, it replaces itself. Files of one name lie beside each other. */
export function keyOf({ source, content }: Pick<PackedFile, 'source' | 'content'>): string {
  const name =
    source === STDIN ? 'stdin' : basename(source).replace(/(\.(gz|json|jsonl|ndjson|txt|log|csv|tsv|parquet))+$/i, '');
  // The job takes names that begin with a dot or an underscore for bookkeeping.
  const plain = name
    .replace(/[^\w.-]/g, '_')
    .replace(/^[_.-]+/, '')
    .slice(0, 100);
  return `${PREFIX.history}${plain || 'events'}.${content}${NDJSON}`;
}

/** @returns bytes sent */
export async function uploadPacked(client: S3Client, bucket: string, { files }: PackedHistory): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const Body = await readFile(file.packed);
    const object = { Bucket: bucket, Key: keyOf(file), Metadata: { [CONTENT]: file.content } };
    await client.send(new PutObjectCommand({ ...object, Body }));
    bytes += Body.length;
  }
  return bytes;
}

/** Packs and uploads. @returns bytes sent */
export async function uploadHistory(client: S3Client, bucket: string, names: readonly string[]): Promise<number> {
  const packed = await packHistory(names);
  try {
    return await uploadPacked(client, bucket, packed);
  } finally {
    packed.dispose();
  }
}
