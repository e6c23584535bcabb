/** The pictures of the page in docs/images, and whether they are of the page as it is now. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Look } from './browser.ts';
import { RECORDED } from './recorded.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const FOLDER = join(ROOT, 'docs', 'images');
/** Beside the pictures: of what they were taken. */
export const NOTE = 'page.json';
export const MAX_BYTES = 300_000;

const SIZE = { width: 1280, height: 900, density: 1.25 };
export const PICTURES: Readonly<Record<string, Look>> = {
  'page.png': { ...SIZE, scheme: 'light' },
  'page-dark.png': { ...SIZE, scheme: 'dark' },
};

const noteSchema = z.object({ sources: z.string(), pictures: z.record(z.string(), z.string()) });
export type Note = z.infer<typeof noteSchema>;

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** A hash of all that decides what the pictures show. */
export function hashOfSources(): string {
  const client = join(ROOT, 'console', 'client');
  const files = [
    ...readdirSync(client).map((name) => join(client, name)),
    ...['page.html', 'page.css'].map((name) => join(ROOT, 'console', name)),
    RECORDED,
  ];
  const lines = files.map((file) => `${relative(ROOT, file)} ${sha256(readFileSync(file))}\n`);
  return sha256(`${JSON.stringify(PICTURES)}\n${lines.sort().join('')}`);
}

/** Width and height as a PNG's first chunk (IHDR) says. @returns null for what is no PNG */
function sizeOf(png: Buffer): { width: number; height: number } | null {
  if (png.subarray(1, 4).toString('latin1') !== 'PNG' || png.length < 24) return null;
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}

function problemsOf(name: string, look: Look, folder: string, taken: string | undefined): string[] {
  const path = join(folder, name);
  if (!existsSync(path)) return [`${name} is missing`];
  const png = readFileSync(path);
  const density = look.density ?? 1;
  const wanted = `${look.width * density} × ${look.height * density}`;
  const size = sizeOf(png);
  const found = size === null ? 'no PNG' : `${size.width} × ${size.height}`;
  return [
    ...(png.length > MAX_BYTES ? [`${name} has ${png.length} bytes, more than ${MAX_BYTES}`] : []),
    ...(found === wanted ? [] : [`${name} is ${found}, not ${wanted}`]),
    ...(taken === sha256(png) ? [] : [`${name} is another picture than ${NOTE} says`]),
  ];
}

/** What is wrong with the pictures in a folder. @param sources the page's hash now */
export function findProblems(folder: string, sources: string): string[] {
  const path = join(folder, NOTE);
  const note = existsSync(path) ? noteSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
  const problems = Object.entries(PICTURES).flatMap(([name, look]) =>
    problemsOf(name, look, folder, note?.pictures[name]),
  );
  if (note?.sources !== sources) problems.push('the page or its recorded data changed since the pictures were taken');
  return problems;
}
