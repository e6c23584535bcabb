/**
 * `npm run conformance -- --suite <folder>`: runs the public DynamoDB conformance suite against the local cloud, and
 * compares its failures with dynamodb-differences.json. The suite is on no package registry, so that a copy is needed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cloudEnvironment, startLocalCloud } from '../../local/cloud.ts';
import { asKnown, compare, knownDifferences, type SuiteReport } from './dynamodb-suite.ts';

const { values } = parseArgs({ options: { suite: { type: 'string' } } });
const known = knownDifferences();

async function main(): Promise<number> {
  if (values.suite === undefined) {
    console.error(
      `Skipped: the suite is on no package registry. Clone ${known.repository} (commit ${known.commit}), run \`npm install --no-package-lock\` in it, and give its folder: npm run conformance -- --suite <folder>`,
    );
    return 0;
  }
  const suite = resolve(values.suite);
  const vitest = join(suite, 'node_modules', 'vitest', 'vitest.mjs');
  if (!existsSync(vitest)) {
    console.error(`${vitest} does not exist: run \`npm install --no-package-lock\` in the suite's folder first.`);
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-conformance-'));
  const cloud = await startLocalCloud();
  try {
    const output = join(folder, 'report.json');
    const { status, error } = spawnSync(
      process.execPath,
      [vitest, 'run', '--reporter=json', `--outputFile=${output}`],
      {
        cwd: suite,
        env: { ...cloudEnvironment(cloud), DYNAMODB_ENDPOINT: cloud.endpoint },
        stdio: 'inherit',
      },
    );
    if (error || !existsSync(output)) {
      console.error(`The suite ended without a report (${error?.message ?? `exit code ${status}`}).`);
      return 1;
    }
    return report(JSON.parse(readFileSync(output, 'utf8')));
  } finally {
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function report(document: SuiteReport): number {
  const found = compare(document, known);
  for (const name of found.unexpected) console.error(`fails, and is not in dynamodb-differences.json: ${name}`);
  for (const name of found.gone)
    console.error(`does not fail any more, take it from dynamodb-differences.json: ${name}`);
  console.error(`${found.passed} passed, ${found.failed} failed, ${known.differences.length} differences known`);
  return asKnown(found) ? 0 : 1;
}

process.exitCode = await main();
