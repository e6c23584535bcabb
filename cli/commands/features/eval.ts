import { compileContracts } from '../../../core/admission/admit.ts';
import type { FeatureViewIR, UseCaseIR } from '../../../core/ir/document.ts';
import { onlineView } from '../../../core/ir/parts.ts';
import { ADMISSION } from '../../../engine/evaluate/admission.ts';
import type { Evaluation, Knowledge, Vectors } from '../../../engine/evaluate/evaluation.ts';
import { evaluateByOracle } from '../../../engine/evaluate/oracle.ts';
import { evaluateByStream, type Repairs, UnheldEventError } from '../../../engine/evaluate/stream.ts';
import { Progress } from '../../../setup/progress.mjs';
import { loadDefinitions } from '../../definitions.ts';
import { CliError } from '../../errors.ts';
import { type BadLine, type BadLinesPolicy, LEFT_OUT, reportOf } from '../../input/bad-lines.ts';
import { eventReader, rowsSource } from '../../input/rows/events.ts';
import { interruptible } from '../../stage/interruption.ts';
import { readEvents, readQueries } from './inputs.ts';
import { evaluateBySpark } from './spark.ts';
import { unitsOf } from './units.ts';

export const ENGINES = ['stream', 'spark', 'oracle'] as const;

export interface EvalOptions {
  readonly usecase: string;
  readonly events: string;
  readonly queries: string;
  readonly engine: (typeof ENGINES)[number];
  readonly knowledge: Knowledge;
  readonly view?: string;
  readonly batch: number;
  readonly shuffle?: number;
  readonly heal: boolean;
  readonly badLines: BadLinesPolicy;
  readonly units?: boolean;
  readonly source?: string;
}

/** `tidemark features eval`: only the vectors go to standard output, and only when all of them are there. */
export async function evaluate(options: EvalOptions): Promise<void> {
  if (options.events === '-' && options.queries === '-')
    throw new CliError('--events and --queries: found - for both; allowed: standard input for one of them.', 2);
  const { ir } = await loadDefinitions(options.usecase);
  const view = viewOf(ir, options.view);
  const progress = new Progress(process.stderr);
  const reader = options.source === undefined ? undefined : eventReader(rowsSource(ir, options.source), ir.contracts);
  const read = await progress.step('Read events and queries', async () => ({
    events: await readEvents([options.events], compileContracts(ir.contracts), ADMISSION, reader),
    queries: await readQueries([options.queries]),
  }));
  const leftOut = toldOf(read);
  if (leftOut && options.badLines === 'fail') throw new CliError(leftOut, 2);
  if (leftOut) console.error(`Left out: ${leftOut}`);
  const [events, queries] = [read.events.good, read.queries.good];
  const asked: Evaluation = { ir, view, events, queries, knowledge: options.knowledge };
  const vectors = await progress.step(
    `${queries.length} queries of ${view.version} over ${events.length} events, engine ${options.engine}`,
    (step) => run(asked, options, step.update),
  );
  const { features } = view;
  const units = options.units ? { units: unitsOf(view, ir.contracts) } : {};
  for (const [i, { entity_id, given_t }] of queries.entries()) {
    const values = Object.fromEntries(features.map(({ name }, f) => [name, vectors[i]![f]]));
    process.stdout.write(`${JSON.stringify({ entity_id, t: given_t, features: values, ...units })}\n`);
  }
  if (leftOut) process.exitCode = LEFT_OUT;
}

/** What is told of the bad lines; empty where there are none. */
function toldOf(read: Readonly<Record<string, { readonly bad: readonly BadLine[] }>>): string {
  const some = Object.entries(read).filter(([, { bad }]) => bad.length > 0);
  return some.map(([what, { bad }]) => reportOf(what, bad)).join('\n');
}

function viewOf(ir: UseCaseIR, name = onlineView(ir).name): FeatureViewIR {
  const view = ir.views.find((candidate) => candidate.name === name);
  if (view) return view;
  throw new CliError(
    `--view: found ${name === undefined ? 'nothing' : 'another name'}; allowed: ${ir.views.map((one) => one.name).join(', ')}.`,
    2,
  );
}

async function run(asked: Evaluation, options: EvalOptions, update: (detail: string) => void): Promise<Vectors> {
  const { engine, batch, shuffle, heal } = options;
  if (engine === 'oracle') return evaluateByOracle(asked, (done) => update(`${done} queries`));
  if (engine === 'stream') {
    const { vectors, repairs } = await evaluateByStream(asked, { batch, shuffle, heal }, (delivered) =>
      update(`${delivered} events`),
    ).catch((error: unknown) => {
      throw error instanceof UnheldEventError ? new CliError(error.message, 2) : error;
    });
    report(repairs);
    return vectors;
  }
  const [vectors] = await interruptible(({ signal }) => evaluateBySpark([asked], { signal, onProgress: update }));
  return vectors!;
}

/** What the states alone would have said wrong. */
function report({ inexact, doubled, oversize }: Repairs): void {
  if (oversize > 0)
    console.error(
      `${oversize} ${oversize === 1 ? 'event was' : 'events were'} refused as OVERSIZE, as in production: with them a state would be larger than an item may be. Narrow windows or caps of the view.`,
    );
  if (inexact > 0)
    console.error(
      `Healed ${inexact} times as the nightly job does, because an event was retracted that no tile can give back (--no-heal: what is served until then).`,
    );
  if (doubled > 0)
    console.error(
      `Healed ${doubled} times as the nightly job does, because a copy of an event came later than the view's dedupe remembers (--no-heal: what is served until then).`,
    );
}
