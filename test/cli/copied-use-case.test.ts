/** Shipped use cases are copied to begin with: a copy anywhere is evaluated and built as the original is. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import churn from '../../usecases/churn/index.ts';

const PROCESS_MS = 420_000;
const run = promisify(execFile);
let folder: string;

const EVENT = {
  event_id: 'b-1',
  entity_id: '42',
  event_type: 'basket',
  event_time: '2017-12-01T09:30:00Z',
  source: 'till',
  schema_version: 1,
  properties: { store_id: '7', amount: '31.90', items: 4 },
};

/** Places where people put a copy, by what is special about them. */
const PLACES: readonly (readonly [string, (to: string) => void])[] = [
  ['a folder with nothing around', () => {}],
  ['a name with a space and an accent', () => {}],
  ['a package of CommonJS', (to) => writeFileSync(join(to, '..', 'package.json'), '{"type": "commonjs"}')],
];
const NAMES = ['mine', 'my café', join('package', 'mine')];
const pathOf = (place: number) => join(folder, NAMES[place]!);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-copy-'));
  PLACES.forEach(([, prepare], i) => {
    mkdirSync(join(pathOf(i), '..'), { recursive: true });
    cpSync('usecases/churn', pathOf(i), { recursive: true });
    prepare(pathOf(i));
  });
  symlinkSync(pathOf(0), join(folder, 'linked'));
  writeFileSync(join(folder, 'events.ndjson'), `${JSON.stringify(EVENT)}\n`);
  writeFileSync(join(folder, 'queries.ndjson'), '{"entity_id": "42", "t": "2017-12-02T00:00:00Z"}\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As a person runs it, from elsewhere. */
async function evaluate(usecase: string): Promise<{ features: Record<string, unknown>; told: string }> {
  const files = ['--events', 'events.ndjson', '--queries', 'queries.ndjson'];
  const args = [resolve('cli/tidemark.mjs'), 'features', 'eval', '--usecase', usecase, ...files, '--engine', 'stream'];
  const { stdout, stderr } = await run(process.execPath, args, { cwd: folder });
  return { ...JSON.parse(stdout), told: stderr };
}

describe('a copy of churn in', () => {
  test.each(PLACES.map(([name], i) => [name, i] as const))(
    '%s is evaluated, and is the same view',
    async (_, place) => {
      const { features, told } = await evaluate(pathOf(place));
      expect(features).toMatchObject({ baskets_28d: 1, spend_28d: 3190 });
      expect(told).toContain(churn.views[0]!.version);
    },
    PROCESS_MS,
  );

  test(
    'a link to it, too, and by a relative path',
    async () => {
      expect((await evaluate('./linked')).features).toMatchObject({ baskets_28d: 1 });
    },
    PROCESS_MS,
  );

  test(
    'a folder with nothing around is built by the app, as cdk starts it',
    async () => {
      const outdir = join(folder, 'cdk.out');
      const context = {
        ...(JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: object }).context,
        ...{ stage: 'dev', usecase: pathOf(0), 'aws:cdk:bundling-stacks': [] },
      };
      await run(process.execPath, [resolve('node_modules/tsx/dist/cli.mjs'), 'bin/tidemark.ts'], {
        env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify(context), CDK_OUTDIR: outdir },
        maxBuffer: 64 * 2 ** 20,
      });
      expect(existsSync(join(outdir, 'manifest.json'))).toBe(true);
      const built = JSON.parse(readFileSync(join(outdir, 'generated', 'usecase.json'), 'utf8'));
      expect(built).toEqual(JSON.parse(JSON.stringify(churn)));
    },
    PROCESS_MS,
  );
});

test('nothing that ships reaches out of its folder, but for the package by its name', () => {
  for (const file of ['alerts', 'events', 'features', 'index', 'label', 'model']) {
    const source = readFileSync(`usecases/churn/${file}.ts`, 'utf8');
    const from = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name!);
    expect(from.filter((name) => name !== 'tidemark' && !/^\.\/[a-z]+\.ts$/.test(name))).toEqual([]);
  }
});
