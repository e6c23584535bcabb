/** A CPU profile of one run, and in words the functions that took the time themselves. */
import { writeFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import path from 'node:path';

const TOP = 30;

/** @param file gets the profile as V8 writes it (Chrome's developer tools open it) */
export async function profiled<T>(file: string, run: () => Promise<T>): Promise<T> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  const result = await run();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  writeFileSync(file, JSON.stringify(profile));
  for (const line of summaryOf(profile)) process.stderr.write(`${line}\n`);
  return result;
}

/** @returns one line a function, by descending self time: its share, its name and the module it is in */
export function summaryOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string[] {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}  ${url ? `${path.basename(url)}:${lineNumber + 1}` : ''}`.trimEnd(),
    ]),
  );
  const self = new Map<string, number>();
  let total = 0;
  samples.forEach((id, i) => {
    const took = timeDeltas[i] ?? 0;
    const name = names.get(id) ?? '(unknown)';
    total += took;
    self.set(name, (self.get(name) ?? 0) + took);
  });
  return [...self]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, took]) => `${((100 * took) / total).toFixed(1).padStart(5)} %  ${name}`);
}
