/** A use case's folder as a user has it: an index.ts that is edited, and the released.json that the command writes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Variant } from './definition.ts';

const DEFINITION = fileURLToPath(new URL('definition.ts', import.meta.url));

/** Writes the folder's index.ts anew. @returns the folder */
export function writeUseCase(folder: string, variant: Variant): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'index.ts'),
    `import { definition } from ${JSON.stringify(DEFINITION)};\nexport default definition(${JSON.stringify(variant)});\n`,
  );
  return folder;
}
