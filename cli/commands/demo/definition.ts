import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { DemoSpec } from '../../../core/definition/define.ts';
import { useCaseFolder } from '../../../lib/config/use-case.ts';
import { CliError } from '../../errors.ts';

const schema: z.ZodType<DemoSpec> = z.strictObject({
  cut: z.iso.datetime({ offset: true, error: 'an instant, ISO-8601 with a zone' }),
  days: z.int().min(1),
  loader: z.string().regex(/^[\w-]+\.py$/, 'a Python script in the same folder'),
});

/** What the demo of a use case plays. */
export interface Demo extends DemoSpec {
  /** Absolute path of its script. */
  readonly loader: string;
}

/** @param usecase a folder under `usecases/`, or a path. @throws CliError when it has no demo, or one that can't be played */
export async function loadDemo(usecase: string): Promise<Demo> {
  const folder = useCaseFolder(usecase);
  const file = join(folder, 'demo.ts');
  const shown = relative('', file);
  if (!existsSync(file)) {
    throw new CliError(
      `${shown}: found none, so there is nothing to play; allowed: its cut, days and loader, as in usecases/churn/demo.ts.`,
    );
  }
  const module = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  const parsed = schema.safeParse(module.default);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
    throw new CliError(`${[shown, ...path].join(': ')}: ${message}.`);
  }
  const loader = join(folder, parsed.data.loader);
  if (!existsSync(loader))
    throw new CliError(`${shown}: loader: found no ${relative('', loader)}; allowed: a script that is there.`);
  return { ...parsed.data, loader };
}
