import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeSourceArchive } from '../../lib/training/source-archive.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('source archive of the model', () => {
  test('has the same bytes for the same files, whenever and wherever it is packed', () => {
    const source = path.join(folder, 'model');
    mkdirSync(path.join(source, 'package/__pycache__'), { recursive: true });
    writeFileSync(path.join(source, 'train.py'), 'print(1)\n');
    writeFileSync(path.join(source, 'package/a.py'), '');
    writeFileSync(path.join(source, 'package/__pycache__/a.pyc'), 'x');
    const one = readFileSync(writeSourceArchive(source, path.join(folder, 'one.tar.gz')));
    writeFileSync(path.join(source, 'train.py'), 'print(1)\n');
    const two = readFileSync(writeSourceArchive(source, path.join(folder, 'two.tar.gz')));
    expect(two.equals(one)).toBe(true);
  });

  test('refuses a path that its header cannot hold', () => {
    const source = path.join(folder, 'deep');
    const long = path.join(source, 'x'.repeat(60));
    mkdirSync(long, { recursive: true });
    writeFileSync(path.join(long, `${'y'.repeat(60)}.py`), '');
    expect(() => writeSourceArchive(source, path.join(folder, 'deep.tar.gz'))).toThrow(
      /path of 124 bytes; allowed: 100/,
    );
  });
});
