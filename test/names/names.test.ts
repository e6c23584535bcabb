/** What both sides of a deployment call alike stands in names/ alone, and the Spark jobs read the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { DOCUMENT, documentOf } from '../../names/document.ts';
import { argumentsByScript, askedOf, COMMON, givenTo, JOBS } from '../../names/jobs.ts';
import { CLOCK_KEY, CUTOVER_KEY, ERASED_KEY, ERASURES_KEY, FENCE_KEY } from '../../names/keys.ts';
import { archiveKey, CONTENT, OBJECT, objectKey, PREFIX } from '../../names/lake.ts';
import { METRIC, TRAINING_METRICS } from '../../names/metrics.ts';
import { OUTPUT } from '../../names/outputs.ts';
import { FILES, ROOT, textOf } from '../tidy/sources.ts';

const SCRIPTS = readdirSync(`${ROOT}/glue-scripts`).filter((name) => name.endsWith('.py'));

test('the document of the Spark jobs is what names/ makes it: npm run names', () => {
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(documentOf());
});

test('keys of objects keep their form: what is stored must be found', () => {
  expect(archiveKey('events', Date.UTC(2017, 10, 15, 23), 'shardId-0', '1', '9')).toBe(
    'archive/events/dt=2017-11-15/shardId-0/1-9.ndjson.gz',
  );
  expect(objectKey('erasureReport', { run: 'weekly' })).toBe('checks/erasure-weekly.json');
  expect(Object.entries(OBJECT).filter(([, key]) => !Object.values(PREFIX).some((own) => key.startsWith(own)))).toEqual(
    [],
  );
});

test('arguments are told as text, and another one is refused by its name', () => {
  expect(askedOf('healStates', { repair: 'all', run: 'r' })).toEqual({ '--repair': 'all', '--run': 'r' });
  const days = { quarantine_days: 30, predictions_days: 40, scores_days: 40, training_days: 50 };
  expect(givenTo('applyRetention', { ...days, events_days: undefined })).toEqual({
    '--quarantine_days': '30',
    '--predictions_days': '40',
    '--scores_days': '40',
    '--training_days': '50',
  });
  const odd = { repair: 'some', parts: 3 } as unknown as Parameters<typeof askedOf<'healStates'>>[1];
  expect(() => askedOf('healStates', odd)).toThrow(/repair|parts/);
});

test('each job has a script, and each script a job', () => {
  expect(
    Object.keys(argumentsByScript())
      .map((job) => `${job}.py`)
      .sort(),
  ).toEqual(SCRIPTS.sort());
});

const RUNS = 'glue-scripts/tidemark_spark/spark/import_runs.py';

/** A job's script; what the imports share stands in one module, each with a function of its own there. */
function scriptOf(job: string): string {
  const script = textOf(`glue-scripts/${job}.py`);
  if (!job.startsWith('import_')) return script;
  const other = job === 'import_table' ? 'import_jdbc' : 'import_table';
  return script + textOf(RUNS).replace(new RegExp(`\\ndef ${other}\\([\\s\\S]*?(?=\\n\\n\\ndef )`), '');
}

test.each(Object.entries(argumentsByScript()))('%s reads the arguments that are declared', (job, declared) => {
  const script = scriptOf(job);
  expect(script).toContain(`args = arguments_of("${job}")`);
  const read = [...script.matchAll(/args(?:\.get\(|\[)"(\w+)"|"(\w+)" (?:not )?in args/g)].map(
    ([, one, other]) => one ?? other!,
  );
  const all = [...declared.required, ...declared.optional];
  expect([...new Set(read)].filter((name) => !all.includes(name))).toEqual([]);
  expect(all.filter((name) => !(name in COMMON.shape) && !read.includes(name))).toEqual([]);
  // Without asking whether it was told, a script may read only what it always is.
  const asked = [...script.matchAll(/args\.get\("(\w+)"|"(\w+)" (?:not )?in args/g)].map(
    ([, one, other]) => one ?? other!,
  );
  const kept = job === 'build_training_set' ? ['training_set_id'] : [];
  expect(declared.optional.filter((name) => !asked.includes(name))).toEqual(kept);
});

test.each(Object.entries(JOBS).flatMap(([job, of]) => ('metrics' in of ? [[job, of.metrics.names] as const] : [])))(
  '%s counts by the words of its metrics',
  (job, names) => {
    if (job.startsWith('import')) return countsOfImports(Object.keys(names));
    const script = textOf(`glue-scripts/${job.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}.py`);
    const [published] = script.match(/publish\(args\["metrics"\].*/)!;
    expect([...published.matchAll(/"(\w+)"(?=:|,? "|\)[},])/g)].map(([, word]) => word)).toEqual(Object.keys(names));
  },
);

/** All that a run says of what it took, and the gaps. */
function countsOfImports(names: readonly string[]): void {
  const [taken] = textOf('glue-scripts/tidemark_spark/spark/imports.py').match(/class Taken:[\s\S]*?\n\n\n/)!;
  const fields = [...taken.matchAll(/^ {4}(\w+): int/gm)].map(([, field]) => field);
  expect(textOf(RUNS)).toContain('publish(args["metrics"], counts | {"gaps":');
  expect([...fields, 'gaps']).toEqual(expect.arrayContaining([...names]));
  expect(names.length).toBeGreaterThan(2);
}

const ESCAPED = /[.*+?^${}()|[\]\\]/g;
const oneOf = (words: readonly string[]) => words.map((word) => word.replace(ESCAPED, '\\$&')).join('|');
const ARGUMENTS = Object.values(argumentsByScript()).flatMap(({ required, optional }) => [...required, ...optional]);

test('the trainer says the metrics that are read of it', () => {
  const words = (text: string | undefined) => [...(text ?? '').matchAll(/"(\w+)"/g)].map(([, word]) => word!);
  const measures = words(textOf('model/measures.py').match(/^NAMES = \(([^)]*)\)/m)?.[1]);
  const gains = words(textOf('model/evaluation.py').match(/_gain_low".*for name in \(([^)]*)\)/)?.[1]);
  const said = [...measures, ...measures.map((name) => `baseline_${name}`), ...gains.map((name) => `${name}_gain_low`)];
  expect(TRAINING_METRICS.filter((name) => !said.includes(name))).toEqual([]);
});

/** What stands in quotes in names/ alone. */
const SHARED: readonly { readonly pattern: string; readonly without?: RegExp }[] = [
  // model/ has a folder serving/, and reads no lake: SageMaker brings it what it needs.
  { pattern: `(["'\`])(${oneOf(Object.values(PREFIX))})`, without: /^model\// },
  {
    pattern: `(["'\`])(${oneOf([FENCE_KEY, CUTOVER_KEY, CLOCK_KEY, ERASED_KEY, ERASURES_KEY, CONTENT])})\\1`,
  },
  // `--run` as a name is an argument of a job; as an option of the command line it is none.
  { pattern: `(["'])(${oneOf(ARGUMENTS.map((name) => `--${name}`))})\\1\\s*:` },
  // Parameters of SageMaker and Kinesis are called alike.
  {
    pattern: `(["'])(${oneOf(Object.values(OUTPUT))})\\1`,
    without: /^lib\/training\/[a-z]+-definition/,
  },
  // Alarms are named after the metric that they watch; a summary has a row that is called like one.
  {
    pattern: `(["'\`])(${oneOf(Object.values(METRIC))})\\1`,
    without: /^(lib\/|cli\/commands\/demo\/report)/,
  },
];
const SHIPPED = /^(cli|console|core|engine|glue-scripts|lambdas|lib|model)\/.*\.(ts|mjs|py)$/;

/** @param sources path and text @returns `<file>: <string>` for each shared string that stands in one */
function strays(sources: readonly (readonly [string, string])[]): string[] {
  return sources.flatMap(([file, text]) => {
    const code = file.endsWith('.py') ? text.replaceAll('`', '') : text.replace(/^\s*(\*|\/\/|\/\*\*).*$/gm, '');
    return SHARED.filter(({ without }) => !without?.test(file)).flatMap(({ pattern }) =>
      [...code.matchAll(new RegExp(pattern, 'g'))].map(([, , word]) => `${file}: ${word}`),
    );
  });
}

test('no shared string stands elsewhere too', () => {
  const sources = FILES.filter((file) => SHIPPED.test(file)).map((file) => [file, textOf(file)] as const);
  expect(sources.length).toBeGreaterThan(200);
  expect(strays(sources)).toEqual([]);
});

test('a stray is found', () => {
  const sources = {
    'a.ts': "get('StreamName')",
    'a.py': 'RULES = {f"raw/history/{x}": 1}',
    'b.ts': "const k = '#join';",
    'c.ts': "{'--run': run}",
    'd.ts': "count('EventsAdmitted')",
    'e.ts': "  // of '#join' and `raw/history/`",
  };
  expect(strays(Object.entries(sources))).toEqual([
    'a.ts: StreamName',
    'a.py: raw/history/',
    'b.ts: #join',
    'c.ts: --run',
    'd.ts: EventsAdmitted',
  ]);
});
