import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadUseCase, type UseCase } from '../lib/config/use-case.ts';

/** A use case's definitions, where nobody needs the document of a deployment. @throws ConfigError */
export async function loadDefinitions(usecase: string): Promise<Pick<UseCase, 'ir' | 'folder'>> {
  const work = mkdtempSync(join(tmpdir(), 'tidemark-usecase-'));
  try {
    return await loadUseCase(usecase, work);
  } finally {
    rmSync(work, { recursive: true });
  }
}
