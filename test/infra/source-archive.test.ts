import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { extract } from 'tar-stream';
import { writeSourceArchive } from '../../lib/training/source-archive.ts';

let folder: string;
let source: string;
const LONG = `${'x'.repeat(60)}/${'y'.repeat(60)}.py`;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-config-'));
  source = path.join(folder, 'model');
  for (const [file, content] of [
    ['train.py', 'print(1)\n'],
    ['package/a.py', ''],
    ['package/__pycache__/a.pyc', 'x'],
    ['.hidden', 'x'],
    [LONG, 'long = True\n'],
  ] as const) {
    mkdirSync(path.dirname(path.join(source, file)), { recursive: true });
    writeFileSync(path.join(source, file), content, { mode: 0o600 });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const packed = async (name: string) => readFileSync(await writeSourceArchive(source, path.join(folder, name)));

describe('source archive of the model', () => {
  test('has the same bytes for the same files, whenever and wherever it is packed', async () => {
    const one = await packed('one.tar.gz');
    utimesSync(path.join(source, 'train.py'), 1_000, 1_000);
    expect((await packed('two.tar.gz')).equals(one)).toBe(true);
    writeFileSync(path.join(source, 'package/a.py'), '#');
    expect((await packed('three.tar.gz')).equals(one)).toBe(false);
    writeFileSync(path.join(source, 'package/a.py'), '');
  });

  test('holds its files in order, with nothing of this machine', async () => {
    const archive = Readable.from([gunzipSync(await packed('all.tar.gz'))]).pipe(extract());
    const found: unknown[] = [];
    for await (const entry of archive) {
      const { name, mode, uid, gid, uname, gname, mtime } = entry.header;
      expect({ mode, uid, gid, uname, gname, mtime }).toEqual({
        ...{ mode: 0o644, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) },
      });
      found.push([name, (await buffer(entry)).toString()]);
    }
    expect(found).toEqual([
      ['package/a.py', ''],
      ['train.py', 'print(1)\n'],
      [LONG, 'long = True\n'],
    ]);
  });

  test('takes wheels along', async () => {
    const wheel = path.join(folder, 'a-1.whl');
    writeFileSync(wheel, 'zip');
    const written = await writeSourceArchive(path.join(source, 'package'), path.join(folder, 'w.tar.gz'), [wheel]);
    const archive = Readable.from([gunzipSync(readFileSync(written))]).pipe(extract());
    const found: string[] = [];
    for await (const entry of archive) {
      found.push(`${entry.header.name}=${await buffer(entry)}`);
    }
    expect(found).toEqual(['a.py=', 'wheels/a-1.whl=zip']);
  });
});
