import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { hashOf, versionOf } from '../../core/definition/hash.ts';
import { buildTidemark } from '../../lib/app.ts';
import { Release } from '../../lib/config/released.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { loadDeployedUseCase, loadUseCase } from '../../lib/config/use-case.ts';
import { functionCode } from '../../lib/foundation/function-code.ts';
import { ir as shop } from '../engine/use-case.ts';

const USE_CASES = fileURLToPath(new URL('../../usecases', import.meta.url));
const TINY = fileURLToPath(new URL('../fixtures/usecases/tiny', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('use case', () => {
  function useCase(name: string, source: string): string {
    const at = path.join(folder, name);
    mkdirSync(at);
    writeFileSync(path.join(at, 'index.ts'), source);
    return at;
  }

  test('is compiled to the document that Lambda, Glue and SageMaker read', async () => {
    const { ir, document } = await loadUseCase(TINY, path.join(folder, 'out'));
    expect(ir.name).toBe('tiny');
    expect(JSON.parse(readFileSync(document, 'utf8'))).toEqual(ir);
  });

  test.each<[unknown, string]>([
    ['nowhere', 'there is no usecases/nowhere/index.ts; allowed: a folder under usecases/ or a path'],
    ['./nowhere', 'there is no nowhere/index.ts'],
    ['', 'usecase: found string; allowed:'],
    [true, 'usecase: found boolean; allowed:'],
  ])('%p is no use case', async (name, sentence) => {
    await expect(loadUseCase(name, folder)).rejects.toThrow(sentence);
  });

  test('a file without a default export is refused', async () => {
    const at = useCase('empty', 'export const useCase = 1;\n');
    await expect(loadUseCase(at, folder)).rejects.toThrow(
      'default export: found nothing; allowed: the value of defineUseCase(…)',
    );
  });

  test('an export that is no compiled use case is refused with field, found type and what is allowed', async () => {
    const at = useCase('wrong', "export default { ir_version: '1' };\n");
    await expect(loadUseCase(at, folder)).rejects.toThrow(
      /index\.ts is not valid:\n {2}- ir_version: found '[^']*'; allowed: /,
    );
  });

  test('a second view is evaluated, and refused by name in a deployment, where nobody would keep it up', async () => {
    const other = { ...shop.views[0]!, name: 'other' };
    const definition_hash = hashOf(other, shop.contracts);
    const view = { ...other, definition_hash, version: versionOf('other', definition_hash) };
    const at = useCase('two-views', `export default ${JSON.stringify({ ...shop, views: [...shop.views, view] })};\n`);
    expect((await loadUseCase(at, path.join(at, 'out'))).ir.views).toHaveLength(2);
    await expect(loadDeployedUseCase(at, path.join(at, 'out'))).rejects.toThrow(
      /two-views\/index\.ts is not valid:\n {2}- views\.other: found a second view in a deployment; allowed: buying alone, /,
    );
  });

  test('a definition that is refused while it loads keeps its sentence', async () => {
    const define = fileURLToPath(new URL('../../core/definition/define.ts', import.meta.url));
    const at = useCase(
      'window',
      `import { contract, count, defineUseCase, field } from ${JSON.stringify(define)};
       const order = contract('order', 1, { fields: { amount: field.int() } });
       const features = { orders: count({ of: order, window: 'a week' }) };
       const views = { some: { entity: 'customer', features } };
       export default defineUseCase({ name: 'some', entity: 'customer', contracts: [order], views });\n`,
    );
    await expect(loadUseCase(at, folder)).rejects.toThrow(
      /index\.ts is not valid:\n {2}- .*window: found '[^']+'; allowed: a duration/,
    );
  });
});

describe('what was released last', () => {
  /** A folder with the tiny use case, and with what was released of it before `change`. */
  async function released(name: string, change: (source: string) => string): Promise<string> {
    const at = path.join(folder, name);
    mkdirSync(at);
    const source = readFileSync(path.join(TINY, 'index.ts'), 'utf8');
    const { document } = await loadUseCase(TINY, path.join(at, 'out'));
    copyFileSync(document, path.join(at, 'released.json'));
    writeFileSync(path.join(at, 'index.ts'), change(source));
    return at;
  }

  test('goes on beside a changed view, in the bundle of every function', async () => {
    const at = await released('changed', (source) => source.replace("window: '7d'", "window: '14d'"));
    const useCase = await loadDeployedUseCase(at, path.join(at, 'out'));
    const { ir: before } = await loadUseCase(TINY, path.join(folder, 'out'));
    expect(JSON.parse(readFileSync(useCase.previous!, 'utf8'))).toEqual(before);
    expect(useCase.ir.views[0]!.version).not.toBe(before.views[0]!.version);
    for (const [id, one, files] of [
      ['Both', useCase, ['index.mjs', 'index.mjs.map', 'previous.json', 'usecase.json']],
      ['One', { ...useCase, previous: undefined }, ['index.mjs', 'index.mjs.map', 'usecase.json']],
    ] as const) {
      const app = new App({ outdir: path.join(at, id), analyticsReporting: false });
      const stack = new Stack(app, id);
      functionCode('notifier/handler.ts', one).bind(stack);
      const asset = stack.node.findAll().find((node): node is Asset => node instanceof Asset)!;
      expect(readdirSync(path.join(app.outdir, asset.assetPath)).sort()).toEqual(files);
    }
  });

  test('is left out where the view is the same', async () => {
    const at = await released('same', (source) => source.replace('threshold: 0.8', 'threshold: 0.7'));
    expect(await loadDeployedUseCase(at, path.join(at, 'out'))).not.toHaveProperty('previous');
    expect(await loadDeployedUseCase(TINY, path.join(at, 'out'))).not.toHaveProperty('previous');
  });

  test('a contract that breaks it is refused when the app is built', async () => {
    const at = await released('broken', (source) => source.replace('max: 86_400', 'max: 3_600'));
    const app = new App({ outdir: path.join(at, 'cdk.out'), analyticsReporting: false });
    await expect(buildTidemark(app, { stage: loadStage('local'), useCase: at })).rejects.toThrow(
      /broken .* is not valid:\n {2}- contracts\.article_read@1\.seconds\.max: found 3600; allowed: 86400 or more; or schema version 2$/,
    );
  });

  test.each([
    ['{', 'file: found text that is not valid JSON; allowed: what features release wrote'],
    ['{}', 'ir_version: found nothing; allowed: '],
  ])('%s is refused with its file', (text, sentence) => {
    writeFileSync(path.join(folder, 'released.json'), text);
    expect(() => new Release(folder)).toThrow(/released\.json is not valid/);
    expect(() => new Release(folder)).toThrow(sentence);
  });

  test.each(readdirSync(USE_CASES).filter((name) => existsSync(path.join(USE_CASES, name, 'released.json'))))(
    'usecases/%s keeps what it released',
    async (name) => {
      const { ir, folder: at } = await loadUseCase(name, path.join(folder, 'out'));
      const release = new Release(at);
      expect(release.ir!.name).toBe(ir.name);
      release.requireKept(ir);
    },
  );

  test('churn is released', () => {
    expect(existsSync(path.join(USE_CASES, 'churn/released.json'))).toBe(true);
  });
});
