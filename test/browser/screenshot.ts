/**
 * `npm run screenshot`: takes the pictures of the page for the README, from recorded data.
 * `-- --record <address of an open page>` records the data first, of the last `--minutes` (5).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { closeBrowser, openTab } from './browser.ts';
import { FOLDER, findProblems, hashOfSources, NOTE, type Note, PICTURES, sha256 } from './pictures.ts';
import { readRecorded, record, startRecorded } from './recorded.ts';

const { values } = parseArgs({
  options: { record: { type: 'string' }, minutes: { type: 'string', default: '5' } },
});
if (values.record !== undefined) await record(values.record, Number(values.minutes));

const recorded = readRecorded();
const page = await startRecorded(recorded);
const pictures: Record<string, string> = {};
mkdirSync(FOLDER, { recursive: true });
try {
  for (const [name, look] of Object.entries(PICTURES)) {
    const tab = await openTab(`${page.url}?minutes=${recorded.minutes}`, look);
    const png = await tab.screenshot({ optimizeForSpeed: false });
    writeFileSync(join(FOLDER, name), png);
    pictures[name] = sha256(png);
    console.log(`${relative(process.cwd(), join(FOLDER, name))}: ${Math.round(png.length / 1000)} kB`);
  }
} finally {
  await closeBrowser();
  await page.close();
}
const note: Note = { sources: hashOfSources(), pictures };
writeFileSync(join(FOLDER, NOTE), `${JSON.stringify(note, null, 2)}\n`);
const problems = findProblems(FOLDER, note.sources);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
