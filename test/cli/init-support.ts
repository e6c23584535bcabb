/** `tidemark init` in this process, with files that a test writes. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, jest } from '@jest/globals';
import { run } from '../../cli/main.ts';

export let folder: string;
let cases = 0;
/** In this package, where what is written finds `tidemark`, and the formatter its rules. */
beforeAll(() => {
  mkdirSync('.cache', { recursive: true });
  folder = mkdtempSync(resolve('.cache', 'init-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  jest.restoreAllMocks();
});

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** A file that was written; empty where there is none. */
  readonly file: (name: string) => string;
  /** The folder that was written. */
  readonly usecase: string;
}

export async function tidemark(...args: readonly string[]): Promise<Omit<Ended, 'file' | 'usecase'>> {
  let [out, err] = ['', ''];
  jest.spyOn(process.stdout, 'write').mockImplementation((part) => {
    out += part;
    return true;
  });
  jest.spyOn(console, 'log').mockImplementation((line) => {
    out += `${line}\n`;
  });
  jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  jest.spyOn(console, 'error').mockImplementation((line) => {
    err += `${line}\n`;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await run(['node', 'tidemark', ...args]);
    return { code: Number(process.exitCode), out, err: err.replaceAll(`${folder}/`, '') };
  } finally {
    process.exitCode = before;
    jest.restoreAllMocks();
  }
}

/** @param name of the file */
export async function init(name: string, content: string | Uint8Array, ...options: readonly string[]): Promise<Ended> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const usecase = `case_${++cases}`;
  const ended = await tidemark('init', usecase, '--from', path, '--out', folder, ...options);
  const at = (file: string) => join(folder, usecase, file);
  return {
    ...ended,
    usecase: join(folder, usecase),
    file: (file) => (existsSync(at(file)) ? readFileSync(at(file), 'utf8') : ''),
  };
}

export const csv = (header: string, rows: readonly string[]) => `${header}\n${rows.join('\n')}\n`;
export const many = <T>(count: number, row: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => row(i));
export const day = (i: number) => new Date(Date.UTC(2026, 0, 1 + (i % 200), i % 24)).toISOString();
