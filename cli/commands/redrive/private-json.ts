import { CliError } from '../../errors.ts';

/** JSON of what may hold personal data. @throws CliError without the text, which the error of JSON.parse quotes */
export function parsePrivateJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError(`found ${text.length} characters that are not valid JSON; look at it by hand`);
  }
}
