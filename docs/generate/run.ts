/** `npm run docs`: writes docs/reference anew, and puts one sentence on a line in every document. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { documents, ROOT } from './documents.ts';
import { oneSentenceALine } from './sentences.ts';

// The alarms are those of a use case, which imports from 'tidemark'.
register(new URL('../../lib/config/own-name.mjs', import.meta.url));
const { referencePages } = await import('./pages.ts');

const folder = join(ROOT, 'docs', 'reference');
const pages = await referencePages();
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!pages.has(name)) rmSync(join(folder, name));
for (const [name, text] of pages) writeFileSync(join(folder, name), text);

for (const file of documents().map((name) => join(ROOT, name))) {
  const text = readFileSync(file, 'utf8');
  const split = oneSentenceALine(text);
  if (split !== text) writeFileSync(file, split);
}
console.log(`docs/reference: ${pages.size} pages`);
