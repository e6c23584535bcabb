import { access, constants, stat } from 'node:fs/promises';
import { CliError } from './errors.ts';

/** Looks at every file before work begins. @throws CliError that names the first which can't be read */
export async function requireFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (file === '-') continue;
    try {
      await access(file, constants.R_OK);
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
      throw new CliError(`The file ${file} ${why}: give the path of an NDJSON file, plain or .gz.`, 2);
    }
    if ((await stat(file)).isDirectory())
      throw new CliError(`${file} is a folder: give its files, for example ${file.replace(/\/$/, '')}/*.ndjson.gz.`, 2);
  }
}
