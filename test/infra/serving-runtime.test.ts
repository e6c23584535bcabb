/** The wheel that a model of another framework brings along, out of the cache or by pip. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { bringsRuntime, servingRuntime } from '../../lib/training/serving-runtime.ts';

const WHEEL = 'onnxruntime-1.32.0-cp312-cp312-manylinux_2_28_x86_64.whl';
const SHA256 = createHash('sha256').update('the wheel').digest('hex');

let folder: string;
let pin: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tidemark-runtime-'));
  pin = path.join(folder, 'runtime.txt');
  writeFileSync(pin, `# why\nonnxruntime==1.32.0 --hash=sha256:${SHA256}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => void jest.spyOn(console, 'error').mockImplementation(() => undefined));

/** A stand-in for Python: it writes its arguments down, and `content` into the folder after -d. */
function python(name: string, content: string | null): string {
  const file = path.join(folder, name);
  const write =
    content === null ? 'echo "ERROR: no such host" >&2; exit 1' : `printf '%s' '${content}' > "$last/${WHEEL}"`;
  writeFileSync(file, `#!/bin/sh\necho "$@" > ${file}.said\nfor last; do :; done\n${write}\n`);
  chmodSync(file, 0o755);
  return file;
}

describe('the runtime of ONNX models', () => {
  test('is fetched for the container, with its hash, and once', async () => {
    const cache = path.join(folder, 'cache');
    const pip = python('pip-1', 'the wheel');
    expect(await servingRuntime({ pin, cache, python: pip })).toBe(path.join(cache, WHEEL));
    const said = readFileSync(`${pip}.said`, 'utf8');
    expect(said).toContain(`download --require-hashes --no-deps --progress-bar off -r ${pin} --python-version 3.12`);
    expect(said).toContain('--platform manylinux_2_28_x86_64');
    expect(await servingRuntime({ pin, cache, python: '/nowhere' })).toBe(path.join(cache, WHEEL));
  });

  test('is not what lies in the cache with other bytes', async () => {
    const cache = path.join(folder, 'spoilt');
    mkdirSync(cache);
    writeFileSync(path.join(cache, WHEEL), 'another');
    await servingRuntime({ pin, cache, python: python('pip-2', 'the wheel') });
    expect(readFileSync(path.join(cache, WHEEL), 'utf8')).toBe('the wheel');
  });

  test.each([
    ['pip-3', null],
    ['pip-4', 'bytes of somebody else'],
  ])('is missed with a sentence (%s)', async (name, content) => {
    const cache = path.join(folder, name.replace('pip', 'none'));
    await expect(servingRuntime({ pin, cache, python: python(name, content) })).rejects.toThrow(
      /^model\.framework.*runtime\.txt: found no wheel of it that could be fetched .*run npm run setup/s,
    );
  });

  test('comes along on AWS, for models that need it', () => {
    const of = (cloud: 'aws' | 'local', framework?: string) =>
      bringsRuntime({ stage: { cloud }, useCase: { ir: { model: { framework } } } } as never);
    expect([of('aws'), of('aws', 'xgboost'), of('local', 'pytorch'), of('aws', 'pytorch')]).toEqual([
      ...[false, false, false, true],
    ]);
  });
});
