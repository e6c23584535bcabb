/** The pictures of the page in the README are there, fit, and show the page as it is. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FOLDER, findProblems, hashOfSources, MAX_BYTES, NOTE, type Note, PICTURES, sha256 } from './pictures.ts';

const NAMES = Object.keys(PICTURES);

test('pictures of the page are current: otherwise run `npm run screenshot`', () => {
  expect(findProblems(FOLDER, hashOfSources())).toEqual([]);
});

let folder: string;
let note: Note;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-pictures-'));
  for (const name of [...NAMES, NOTE]) copyFileSync(join(FOLDER, name), join(folder, name));
  note = JSON.parse(readFileSync(join(folder, NOTE), 'utf8')) as Note;
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Puts other bytes in a picture's place, as a picture that was taken. */
function replace(name: string, bytes: Uint8Array): void {
  writeFileSync(join(folder, name), bytes);
  const pictures = { ...note.pictures, [name]: sha256(bytes) };
  writeFileSync(join(folder, NOTE), JSON.stringify({ ...note, pictures }));
}

const bytesOf = (name: string) => readFileSync(join(folder, name));

test.each<[string, () => void, RegExp]>([
  ['missing', () => rmSync(join(folder, 'page-dark.png')), /^page-dark\.png is missing$/],
  [
    'too large',
    () => replace('page.png', Buffer.concat([bytesOf('page.png'), Buffer.alloc(MAX_BYTES)])),
    /^page\.png has \d+ bytes, more than 300000$/,
  ],
  [
    'of other dimensions',
    () => {
      const bytes = bytesOf('page.png');
      bytes.writeUInt32BE(800, 16);
      replace('page.png', bytes);
    },
    /^page\.png is 800 × \d+, not \d+ × \d+$/,
  ],
  ['no picture', () => replace('page.png', Buffer.from('nothing')), /^page\.png is no PNG, not \d+ × \d+$/],
  [
    'another than was taken',
    () => truncateSync(join(folder, 'page.png'), 2_000),
    /^page\.png is another picture than page\.json says$/,
  ],
])('a picture that is %s is found', (_, spoil, problem) => {
  expect(findProblems(folder, note.sources)).toEqual([]);
  spoil();
  expect(findProblems(folder, note.sources)).toEqual([expect.stringMatching(problem)]);
});

test('pictures that are older than the page are found, and so is a note that is gone', () => {
  const stale = 'the page or its recorded data changed since the pictures were taken';
  expect(findProblems(folder, sha256('changed'))).toEqual([stale]);
  rmSync(join(folder, NOTE));
  expect(findProblems(folder, note.sources)).toContain(stale);
});
