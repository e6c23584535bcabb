/** A model as a folder that runs outside of AWS: loaded and asked as whoever got the folder would. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ModelArchive, readModelArchive } from '../../cli/commands/model/export/archive.ts';
import { exportModel, formatOf } from '../../cli/commands/model/export/export.ts';
import { PYTHON } from '../../cli/paths.ts';
import { writeSourceArchive } from '../../lib/training/source-archive.ts';

const FIXTURES = resolve('test/fixtures/models');
/** A booster of the rows of test/python/model, as its training job leaves it; and its margins of the first rows. */
const XGBOOST = `
import json, sys
from pathlib import Path
sys.path[:0] = ["model", "test/python/model"]
import numpy as np
from frameworks import framework
from identity import write_manifest
from training_data import read_slice
from training_job import HASH, INPUTS, USE_CASE, make_job
folder = Path(sys.argv[1])
job = make_job(folder / "job")
train, validation, test = (read_slice(name, job.channel(name), INPUTS) for name in ("train", "validation", "test"))
fitted = framework("xgboost").fit(USE_CASE["model"], train, validation, {"num_boost_round": 20})
(folder / "model").mkdir()
fitted.save(folder / "model")
(folder / "model" / "calibration.json").write_text('{"method": "isotonic", "x": [-1, 0, 1], "y": [0.1, 0.5, 0.9]}')
about = {"framework": "xgboost", "model": "tiny", "definition_hash": HASH, "inputs": INPUTS, "versions": {}}
write_manifest(folder / "model", about)
x = test.x[:40]
rows = [[None if np.isnan(value) else value for value in row] for row in x.tolist()]
(folder / "expected.json").write_text(json.dumps({"rows": rows, "margins": fitted.margins(x).tolist()}))
`;
interface Expected {
  readonly rows: readonly (readonly (number | null)[])[];
  readonly margins: readonly number[];
}

let folder: string;
let xgboost: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-export-'));
  xgboost = join(folder, 'xgboost');
  mkdirSync(xgboost);
  execFileSync(PYTHON, ['-c', XGBOOST, xgboost]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const packed = async (source: string) => readFileSync(await writeSourceArchive(source, join(folder, 'model.tar.gz')));
const archiveOf = async (source: string): Promise<ModelArchive> => readModelArchive(await packed(source), undefined);

/** The scores that a script of the folder prints for rows by name, and those that follow from the margins. */
function asked(out: string, command: readonly string[], { rows, margins }: Expected) {
  const { inputs } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as { inputs: readonly string[] };
  const calibration = JSON.parse(readFileSync(join(out, 'calibration.json'), 'utf8')) as Record<string, number>;
  const lines = rows.map((row) => JSON.stringify(Object.fromEntries(row.map((value, at) => [inputs[at], value]))));
  const options = { cwd: out, input: `${lines.join('\n')}\n`, encoding: 'utf8' } as const;
  const found = execFileSync(PYTHON, command, options).trim().split('\n').map(Number);
  const isotonic = (margin: number) => 0.5 + 0.4 * Math.min(1, Math.max(-1, margin));
  const platt = (margin: number) => 1 / (1 + Math.exp(-(calibration.intercept! + calibration.slope! * margin)));
  return { found, expected: margins.map((calibration.method as unknown) === 'isotonic' ? isotonic : platt) };
}

function expectAlike({ found, expected }: { found: readonly number[]; expected: readonly number[] }): void {
  expect(found).toHaveLength(40);
  for (const [at, score] of found.entries()) expect(Math.abs(score - expected[at]!)).toBeLessThanOrEqual(1e-5);
}

const expectedOf = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Expected;

describe('an export', () => {
  test.each(['sklearn', 'pytorch', 'tensorflow'])('to ONNX of %s scores by its script alone', async (framework) => {
    const out = join(folder, `onnx-${framework}`);
    const files = await exportModel(await archiveOf(join(FIXTURES, framework)), 'onnx', out);
    expect(files).toEqual([
      ...['README.md', 'calibration.json', 'manifest.json', 'model.onnx', 'predict.py', 'requirements.txt'],
    ]);
    expectAlike(asked(out, ['predict.py'], expectedOf(join(FIXTURES, framework, 'expected.json'))));
  });

  test('to ONNX of XGBoost is made of its trees', async () => {
    const out = join(folder, 'onnx-xgboost');
    expect(await exportModel(await archiveOf(join(xgboost, 'model')), 'onnx', out)).toContain('model.onnx');
    expectAlike(asked(out, ['predict.py'], expectedOf(join(xgboost, 'expected.json'))));
  });

  test('to Bento is a service class that scores; the decorators of BentoML are stand-ins here', async () => {
    const out = join(folder, 'bento');
    const files = await exportModel(await archiveOf(join(FIXTURES, 'sklearn')), 'bento', out);
    expect(files).toEqual(expect.arrayContaining(['bentofile.yaml', 'model.onnx', 'service.py']));
    writeFileSync(
      join(out, 'ask.py'),
      [
        'import json, sys, types',
        'sys.modules["bentoml"] = types.SimpleNamespace(service=lambda **_: lambda cls: cls, api=lambda method: method)',
        'from service import Scores',
        'for score in Scores().score([json.loads(line) for line in sys.stdin]): print(score)',
      ].join('\n'),
    );
    expectAlike(asked(out, ['ask.py'], expectedOf(join(FIXTURES, 'sklearn', 'expected.json'))));
    expect(readFileSync(join(out, 'requirements.txt'), 'utf8')).toMatch(/^onnxruntime==1\.\S+\nnumpy\S+\nbentoml==/);
  });

  test('to TF Serving has the layout that its server looks for, and is of TensorFlow alone', async () => {
    const model = join(folder, 'with-saved-model');
    cpSync(join(FIXTURES, 'tensorflow'), model, { recursive: true });
    for (const name of ['saved_model.pb', 'variables/variables.index']) {
      mkdirSync(join(model, 'saved_model', '1', 'variables'), { recursive: true });
      writeFileSync(join(model, 'saved_model', '1', name), name);
    }
    const out = join(folder, 'tf-serving');
    const files = await exportModel(await archiveOf(model), 'tf-serving', out);
    expect(files).toEqual(expect.arrayContaining(['1/saved_model.pb', '1/variables/variables.index', 'README.md']));
    expect(existsSync(join(out, 'model.onnx'))).toBe(false);
    await expect(
      exportModel(await archiveOf(join(xgboost, 'model')), 'tf-serving', join(folder, 'none')),
    ).rejects.toThrow(
      '--to tf-serving: found a model of xgboost, which has no SavedModel; allowed: one of tensorflow.',
    );
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});

describe('an export is refused', () => {
  test('into a folder that has files', async () => {
    const archive = await archiveOf(join(FIXTURES, 'sklearn'));
    await expect(exportModel(archive, 'onnx', xgboost)).rejects.toThrow(/^--out: found files in .*; allowed: a new/);
  });

  test('to a format that is none', () => {
    expect(() => formatOf('pmml')).toThrow('--to: found pmml; allowed: onnx, bento, tf-serving.');
  });

  test.each([
    ['model.onnx', /^model\.onnx: found other bytes than manifest\.json says/],
    ['manifest.json', /^manifest\.json: found other bytes than manifest\.json says/],
  ])('of a model whose %s was changed', async (name, message) => {
    const model = mkdtempSync(join(folder, 'changed-'));
    cpSync(join(FIXTURES, 'sklearn'), model, { recursive: true });
    const text = readFileSync(join(model, name), 'latin1');
    const changed = name === 'manifest.json' ? text.replace(/abab/g, 'cdcd') : `${text} `;
    writeFileSync(join(model, name), changed, 'latin1');
    await expect(archiveOf(model)).rejects.toThrow(message);
  });

  test('of another model than the one that was approved, and of an archive without a manifest', async () => {
    const content = await packed(join(FIXTURES, 'sklearn'));
    await expect(readModelArchive(content, 'f'.repeat(64))).rejects.toThrow(/found another model than the registry/);
    const { manifest } = await readModelArchive(content, undefined);
    expect((await readModelArchive(content, manifest.model_sha256)).manifest.framework).toBe('sklearn');
    await expect(archiveOf(join(xgboost, 'job'))).rejects.toThrow(/^manifest\.json: found none of format 1/);
  });
});
