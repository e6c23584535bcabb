import { DAY } from '../../core/time.ts';

/** Never scored, or not for a day. @param now ms UTC */
export function isDue(last: { readonly t: number } | undefined, now: number): boolean {
  return last === undefined || last.t <= now - DAY;
}
