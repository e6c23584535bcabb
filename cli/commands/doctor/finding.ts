import { messageOf } from '../../errors.ts';

/** One line of the answer. */
export interface Finding {
  readonly subject: string;
  /** `note`: nothing must be done now, but it should be known. */
  readonly state: 'ok' | 'do' | 'note';
  /** What was found; never a secret. */
  readonly found: string;
  /** What to do next, in one sentence; for `do` and `note`. */
  readonly next?: string;
}

export const ok = (subject: string, found: string): Finding => ({ subject, state: 'ok', found });
export const todo = (subject: string, found: string, next: string): Finding => ({ subject, state: 'do', found, next });

/** A check that could not be made is something to do: grant it, or look by hand. */
export async function checked(subject: string, permission: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const next = `Grant yourself ${permission} and run this again, or look it up in the console.`;
    return todo(subject, `could not be read (${messageOf(error)})`, next);
  }
}
