/** What the check of a request says. */
export type Verdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** `mismatch`: right in form and of no key that we have, so newer keys may help. The others stay as they are. */
      readonly kind: 'missing' | 'malformed' | 'stale' | 'mismatch';
      /** One sentence for the sender: names of headers and what is allowed, never what was sent. */
      readonly detail: string;
    };

export const VERIFIED: Verdict = { ok: true };

export function refused(kind: Exclude<Verdict, { ok: true }>['kind'], detail: string): Verdict {
  return { ok: false, kind, detail };
}
