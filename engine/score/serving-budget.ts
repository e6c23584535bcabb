import { ModelFailedError } from '../ports.ts';

/**
 * What is late is a model that does not answer; it goes on by itself, and nobody looks at it any more.
 * @throws ModelFailedError when time is over. @param ms from now
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ModelFailedError(`model: no answer within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
