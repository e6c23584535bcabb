import { createInterface } from 'node:readline/promises';
import { CliError } from './errors.ts';

/** @throws CliError when nobody is there to ask, so that it is said before anything is looked up */
export function requirePerson(): void {
  if (!process.stdin.isTTY)
    throw new CliError('It cannot be undone, and there is no terminal to ask: confirm it with --yes.');
}

/**
 * Asks a person for a word before what can't be undone.
 * @throws CliError when it is not given, or when nobody is there to ask: then --yes says it
 */
export async function confirm(question: string, word: string, refused: string): Promise<void> {
  requirePerson();
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    if ((await lines.question(`${question} It cannot be undone. Type ${word}: `)).trim() !== word)
      throw new CliError(refused);
  } finally {
    lines.close();
  }
}
