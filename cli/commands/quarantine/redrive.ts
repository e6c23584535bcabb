/** `tidemark quarantine redrive`: what a fix lets in, brought in once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { compileContracts } from '../../../core/admission/admit.ts';
import { daysOf } from '../../../engine/quarantine/lines.ts';
import { type RedriveReport, redriveLines } from '../../../engine/quarantine/redrive.ts';
import { loadStage } from '../../../lib/config/stages.ts';
import { MAX_EVENT_BYTES } from '../../../names/limits.ts';
import { CliError } from '../../errors.ts';
import { deployedUseCase } from '../../stage/deployed-use-case.ts';
import type { OpenStage } from '../../stage/stage.ts';
import { MAX_RECORDS, putAll } from '../../stage/stream-writer.ts';
import { redriveBatches, redriveDeadLetters } from '../redrive/command.ts';
import { lakeOf } from './look.ts';
import { type FilterOptions, wantedOf } from './options.ts';
import { giveBack, sourceFunctions } from './source-functions.ts';

export interface RedriveOptions extends FilterOptions {
  readonly dryRun?: boolean;
  /** Records a second. @default - as fast as the stream takes them */
  readonly rate?: number;
  readonly limit?: number;
  readonly batches?: boolean;
  readonly deadLetters?: boolean;
}

/** What of the selection is still out, and why, as an exit code: 3 for what the contracts refuse still. */
const STILL_REFUSED = 3;

export async function redriveQuarantine(stage: OpenStage, options: RedriveOptions): Promise<void> {
  const { dryRun = false } = options;
  const report = await lines(stage, options);
  if (options.json) console.log(JSON.stringify({ dry_run: dryRun, ...report }));
  else console.log(readable(report, dryRun));
  const { since } = wantedOf(options);
  if (options.batches) await redriveBatches(stage, { ...options, since, dryRun });
  if (options.deadLetters) await redriveDeadLetters(stage, { dryRun });
  const without = Object.keys(report.without);
  const problems = [
    ...report.failed,
    ...(without.length === 0
      ? []
      : [`no function of ${without.join(', ')} is deployed here: deploy the source, or its records stay`]),
  ];
  if (problems.length > 0)
    throw new CliError(
      `Some records are still there:\n${problems.join('\n')}\nPut the cause right and run this again; runbook: docs/runbook.md#quarantine`,
    );
  if (sum(report.refused) + sum(report.declined) > 0) process.exitCode = STILL_REFUSED;
}

async function lines(stage: OpenStage, options: RedriveOptions): Promise<RedriveReport> {
  const { clients, resources } = stage;
  const { dryRun = false, rate, limit } = options;
  const lake = lakeOf(stage);
  const wanted = wantedOf(options);
  const ir = await deployedUseCase(clients, resources);
  const functions = await sourceFunctions(clients, resources);
  const marked = await lake.marked(daysOf({ since: wanted.since }));
  const rules = {
    contracts: compileContracts(ir.contracts),
    admit: {
      replay: loadStage(options.stage).clock === 'replay',
      available_lag_ms: ir.replay.available_lag_ms,
      max_bytes: MAX_EVENT_BYTES,
    },
    ...{ wanted, now: Date.now(), dryRun, limit: limit ?? Number.POSITIVE_INFINITY },
    portion: Math.max(1, Math.min(MAX_RECORDS, Math.floor(rate ?? MAX_RECORDS))),
  };
  return stage.step(
    dryRun ? 'Look what would be put back' : 'Put back what the contracts admit by now',
    ({ signal, onState }) => {
      let due = Date.now();
      return redriveLines(rules, {
        objects: lake.objects(daysOf(wanted)),
        marked,
        put: async (records) => void (await putAll(clients.kinesis, resources.get('stream'), records)),
        giveBack: (intake, some) => giveBack(clients, functions, intake, some),
        mark: (object, positions) => lake.mark(object, positions),
        pace: async (records) => {
          signal.throwIfAborted();
          if (rate === undefined) return;
          due = Math.max(due, Date.now() - 1_000) + (records / rate) * 1_000;
          await sleep(Math.max(0, due - Date.now()), undefined, { signal });
        },
        onState: ({ sent, given }) => onState(`${sent + sum(given)} records`),
      });
    },
  );
}

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((total, n) => total + n, 0);

function readable(report: RedriveReport, dryRun: boolean): string {
  const { sent, given, refused, declined, duplicates, before, without } = report;
  const by = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, n]) => `${n} ${name}`)
      .join(', ');
  const would = dryRun ? 'would be ' : '';
  const rows: readonly (readonly [number, string])[] = [
    [sent, `${would}put into the stream`],
    [sum(given), `${would}given to their sources: ${by(given)}`],
    [sum(refused), `left, as the deployed contracts refuse them still: ${by(refused)}`],
    [sum(declined), `left, as their sources refuse them still: ${by(declined)}`],
    [sum(without), `left, as no function of their source is deployed: ${by(without)}`],
    [duplicates, 'left: copies of events that are counted'],
    [before, 'put back before'],
  ];
  const told = rows.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
  return told.length === 0 ? 'There is nothing of that in the quarantine.' : told.join('\n');
}
