import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseUseCase } from '../../core/definition/usecase.ts';
import { compileUseCase, type LoadedUseCase } from '../../engine/use-case.ts';

/** The document that the deployment copied beside the bundle. @param folder the bundle's own */
export function loadUseCase(folder: string): LoadedUseCase {
  return read(join(folder, 'usecase.json'));
}

/** What was released last, where its view is another version than the current one: it serves until that is ready. */
export function loadPrevious(folder: string): LoadedUseCase | null {
  const document = join(folder, 'previous.json');
  return existsSync(document) ? read(document) : null;
}

/** Both, the newest first. @param folder the bundle's own */
export function loadVersions(folder: string): readonly LoadedUseCase[] {
  const previous = loadPrevious(folder);
  return [loadUseCase(folder), ...(previous ? [previous] : [])];
}

function read(document: string): LoadedUseCase {
  return compileUseCase(parseUseCase(JSON.parse(readFileSync(document, 'utf8'))));
}
