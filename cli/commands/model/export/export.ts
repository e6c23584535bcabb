/** A model as a folder that runs outside of AWS. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { CliError } from '../../../errors.ts';
import { PYTHON, ROOT } from '../../../paths.ts';
import type { ModelArchive } from './archive.ts';

export const FORMATS = ['onnx', 'bento', 'tf-serving'] as const;
export type Format = (typeof FORMATS)[number];

const SAVED_MODEL = 'saved_model/';
const BENTO = '1.4.40';
const own = (name: string) => join(import.meta.dirname, name);

/**
 * Writes a folder.
 *
 * @param folder is made, or is empty
 * @returns the files in it, by their paths
 * @throws CliError when the model can't be had in that format
 */
export async function exportModel(archive: ModelArchive, to: Format, folder: string): Promise<string[]> {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CliError(`--out: found files in ${folder}; allowed: a new folder, or an empty one.`);
  if (to === 'tf-serving') requireSavedModel(archive);
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: string | Buffer) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  for (const name of ['manifest.json', 'calibration.json']) write(name, archive.files.get(name)!);
  if (to === 'tf-serving') writeSavedModel(archive, write);
  else await writeGraph(archive, folder, write);
  if (to === 'bento') {
    copyFileSync(own('service.py'), join(folder, 'service.py'));
    write('bentofile.yaml', BENTOFILE);
  }
  if (to !== 'tf-serving') write('requirements.txt', requirements(to));
  write('README.md', readme(archive, to));
  return (readdirSync(folder, { recursive: true }) as string[]).sort();
}

function requireSavedModel({ manifest, files }: ModelArchive): void {
  if ([...files.keys()].some((name) => name.startsWith(SAVED_MODEL))) return;
  throw new CliError(
    `--to tf-serving: found a model of ${manifest.framework}, which has no SavedModel; allowed: one of tensorflow. Export it --to onnx.`,
  );
}

function writeSavedModel({ files }: ModelArchive, write: (name: string, content: Buffer) => void): void {
  for (const [name, content] of files) if (name.startsWith(SAVED_MODEL)) write(name.slice(SAVED_MODEL.length), content);
}

/** model.onnx, of XGBoost made of its trees, and the script that asks it. */
async function writeGraph(
  { files }: ModelArchive,
  folder: string,
  write: (name: string, content: Buffer) => void,
): Promise<void> {
  const graph = files.get('model.onnx');
  if (graph) write('model.onnx', graph);
  else {
    write('model.json', files.get('model.json')!);
    await execa(PYTHON, ['-m', 'frameworks.xgboost.graph', 'model.json', 'model.onnx'], {
      cwd: folder,
      env: { PYTHONPATH: join(ROOT, 'model') },
    });
  }
  copyFileSync(own('predict.py'), join(folder, 'predict.py'));
}

const BENTOFILE = `service: "service:Scores"
include:
  - "*.py"
  - "*.json"
  - "model.onnx"
python:
  requirements_txt: "./requirements.txt"
`;

/** The version of onnxruntime that serves on AWS. */
function requirements(to: Format): string {
  const [pin = ''] =
    /^onnxruntime==\S+/m.exec(readFileSync(join(ROOT, 'model', 'serving', 'runtime.txt'), 'utf8')) ?? [];
  return `${[pin, 'numpy>=1.26', ...(to === 'bento' ? [`bentoml==${BENTO}`] : [])].join('\n')}\n`;
}

function readme({ manifest }: ModelArchive, to: Format): string {
  const use = {
    onnx: [
      '`pip install -r requirements.txt`, then `python predict.py < rows.ndjson`: one JSON object a line, one score a line.',
      'Whatever else reads ONNX gets input `inputs`, float32 [n, inputs] with NaN for null, and gives output `margins`, float32 [n].',
      'A score is the calibration of calibration.json on a margin.',
    ],
    bento: [
      '`pip install -r requirements.txt`, then `bentoml serve service:Scores`; `bentoml build` makes a Bento of it.',
      'POST /score with `{"rows": [{…}, …]}` gives the scores.',
    ],
    'tf-serving': [
      `\`tensorflow_model_server --rest_api_port=8501 --model_name=scores --model_base_path=<this folder>\`.`,
      'POST /v1/models/scores:predict with `{"instances": [[…], …]}` gives margins, which calibration.json makes scores of.',
      'JSON has no NaN: fill a null with the median of the training rows before, or ask over gRPC.',
    ],
  }[to];
  const inputs = manifest.inputs.map((name, at) => `| ${at} | ${name} |`);
  const head = `# ${manifest.model_version}\n\nTrained with ${manifest.framework} on definition ${manifest.definition_hash}.`;
  return `${head}\n\n${use.join('\n')}\n\n| column | input |\n| --- | --- |\n${inputs.join('\n')}\n`;
}

/** @throws CliError for a format that is none */
export function formatOf(text: string): Format {
  const found = FORMATS.find((format) => format === text);
  if (found) return found;
  throw new CliError(`--to: found ${basename(text)}; allowed: ${FORMATS.join(', ')}.`);
}
