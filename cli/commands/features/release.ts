import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { UseCaseIR } from '../../../core/ir/document.ts';
import { onlineView } from '../../../core/ir/parts.ts';
import { Release } from '../../../lib/config/released.ts';
import { loadDefinitions } from '../../definitions.ts';

/** `tidemark features release`: from now on the definitions as they are count as released. */
export async function release({ usecase }: { readonly usecase: string }): Promise<void> {
  const { ir, folder } = await loadDefinitions(usecase);
  const before = new Release(folder);
  before.requireKept(ir);
  writeFileSync(before.file, documentOf(ir));
  console.log(changed(before.ir, ir, relative('', before.file)));
}

/** One line per value, so that a review shows what changed. */
function documentOf(ir: UseCaseIR): string {
  return `${JSON.stringify(ir, null, 2)}\n`;
}

/** One sentence. @param before null where nothing was released yet */
function changed(before: UseCaseIR | null, now: UseCaseIR, file: string): string {
  const version = onlineView(now).version;
  if (before === null) return `Released ${version} for the first time, in ${file}.`;
  if (documentOf(before) === documentOf(now)) return `Nothing changed: ${version} is what was released.`;
  const old = onlineView(before).version;
  if (old === version) return `Released what changed beside the view, which stays ${version}, in ${file}.`;
  return `Released ${version} instead of ${old}, in ${file}; the next deployment lets the old version go.`;
}
