import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Page } from '../../../console/server.ts';
import type { DashboardAnswer } from '../../../console/types.ts';
import { DAY } from '../../../core/values/time.ts';
import { PREFIX } from '../../../names/lake.ts';
import { Progress } from '../../../setup/progress.mjs';
import { CliError } from '../../errors.ts';
import { readLines } from '../../input/lines.ts';
import { interruption } from '../../stage/interruption.ts';
import { useJava } from '../../tools.ts';
import { openPage } from '../page/command.ts';
import { readEvents, type TimedEvent } from '../replay/replay.ts';
import { loadDemo } from './definition.ts';
import { analyseExperiment, startExperiment, trainModels } from './experiment.ts';
import { type SourceFiles, writeEvents } from './history-source.ts';
import { MemoryWatch } from './memory.ts';
import { pressButton } from './press.ts';
import { render } from './report.ts';
import { Session } from './session.ts';
import { backfillStates, checkConsistency, landHistory, readScoresTable, replayLive } from './stages.ts';
import { type DemoSummary, type Findings, summarise } from './summary.ts';

export interface DemoOptions {
  readonly wait: boolean;
  /** File for the summary. */
  readonly json?: string;
  readonly days?: number;
  readonly usecase: string;
}

/** Alerts printed as they arrive; the rest is in the summary and on the page. */
const PRINTED_ALERTS = 12;

/** The whole house on real events. @returns the exit code: 0 only when every stage did its work */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { cut, days } = await loadDemo(options.usecase);
  useJava();
  const stop = interruption();
  const progress = new Progress();
  const memory = new MemoryWatch();
  memory.start();
  const started = Date.now();
  let done = false;
  let session: Session | undefined;
  let page: Page | undefined;
  try {
    let files: SourceFiles | undefined;
    let live: TimedEvent[] = [];
    let historyEvents = 0;
    session = await Session.start(
      { usecase: options.usecase, progress, signal: stop.signal, onSlack: alertPrinter(progress) },
      async (folder, ir) => {
        const until = new Date(Date.parse(cut) + (options.days ?? days) * DAY).toISOString();
        await progress.step('Write the real events (history and live)', async () => {
          files = await writeEvents({ usecase: options.usecase, folder, cut, until, signal: stop.signal });
          live = await readEvents(files.live, ir);
          for (const file of files.history) for await (const _ of readLines(file)) historyEvents += 1;
        });
      },
    );
    const history = files as SourceFiles | undefined;
    if (!history) throw new CliError('The events were not written.');
    const findings = await work(session, history, live, historyEvents, cut);
    page = await openPage(session.connection.clients, session.resources, session.ir);
    const summary = summarise({
      ...findings,
      page: await lookAtPage(session, page, options.wait),
      timings: session.timings,
      total_ms: Date.now() - started,
      peak_memory_bytes: memory.peakBytes,
    });
    report(summary, options.json);
    done = true;
    if (options.wait) {
      console.log(`\nThe page: ${page.url} (Ctrl-C stops everything)`);
      await stop.requested;
    }
    return summary.ok ? 0 : 1;
  } catch (error) {
    // What broke because it was interrupted is no failure of its own.
    if (stop.signal.aborted) return 130;
    throw error;
  } finally {
    memory.stop();
    await page?.close();
    await session?.close();
    stop.release();
    if (stop.signal.aborted) {
      const next = done ? '' : ' `npm run demo` starts again from the beginning.';
      console.log(`Stopped: nothing is left running.${next}`);
    }
  }
}

type Worked = Omit<Findings, 'page' | 'timings' | 'total_ms' | 'peak_memory_bytes'>;

async function work(
  session: Session,
  files: SourceFiles,
  live: readonly TimedEvent[],
  historyEvents: number,
  cut: string,
): Promise<Worked> {
  await landHistory(session, files.history);
  const [states, trained] = await Promise.all([
    backfillStates(session),
    trainModels(session, `demo-${Date.now().toString(36)}`, cut),
  ]);
  await startExperiment(session, trained);
  const replay = await replayLive(session, live, Date.parse(cut));
  const consistency = await checkConsistency(session);
  const experiment = await analyseExperiment(session);
  const { lake, ir } = session;
  const outcome_kept = await pressButton(session);
  const { scores, alerts, suppressed } = await readScoresTable(session);
  return {
    use_case: ir.name,
    history_events: historyEvents,
    archived: await lake.archivedIds(),
    live_ids: live.map(({ event }) => event.event_id),
    quarantine: await lake.quarantine(),
    replay,
    states,
    model: trained.model,
    manifest: await lake.manifest(trained.model.training_set_id),
    scores,
    alerts,
    suppressed,
    outcome_kept,
    // The demo's use case has alerts; without them no score is above.
    threshold: ir.alerts?.threshold ?? 1,
    slack_messages: session.slack.messages.length,
    consistency,
    experiment,
    access_denied: await session.cloud.accessDenied(),
    requests_checked: await session.cloud.requestsChecked(),
    failed_batches: (await lake.keys(PREFIX.failedBatches)).length,
  };
}

/** How many charts of the deployed dashboard have data for the time of this run. */
async function lookAtPage(session: Session, page: Page, stays: boolean): Promise<DemoSummary['page']> {
  const response = await fetch(new URL('/api/dashboard?minutes=60', page.url));
  if (!response.ok) throw new CliError(`The page answered ${response.status} for the dashboard.`);
  const { widgets } = (await response.json()) as DashboardAnswer;
  const charts = widgets.filter((widget) => widget.kind === 'chart');
  const withData = charts.filter(({ series }) => series.some(({ points }) => points.length > 0));
  session.signal.throwIfAborted();
  return { url: stays ? page.url : null, widgets: charts.length, widgets_with_data: withData.length };
}

/** The file first: whatever happens to the terminal, the figures are kept. */
function report(summary: DemoSummary, json: string | undefined): void {
  const file = json === undefined ? undefined : resolve(process.env.INIT_CWD ?? process.cwd(), json);
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(summary, null, 2)}\n`);
  console.log(render(summary));
  if (file !== undefined) console.log(`\nThe summary: ${file}`);
}

/** Prints alerts as they reach Slack, the first ones in full. */
function alertPrinter(progress: Progress): (message: { body: { text: string } }) => void {
  let seen = 0;
  return ({ body }) => {
    seen += 1;
    if (seen <= PRINTED_ALERTS) progress.print(`  🔔 ${body.text}`);
    if (seen === PRINTED_ALERTS) progress.print('  … more alerts arrive; the page shows them all');
  };
}
