import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Page, startPage } from '../../console/server.ts';
import type { DashboardAnswer, PipelineAnswer, ScoresAnswer } from '../../console/types.ts';

/** What a page answered once: the pictures and the tests of the page need no cloud. */
export interface Recorded {
  /** Where it is from. */
  readonly origin: string;
  /** The range that was asked for. */
  readonly minutes: number;
  readonly pipeline: PipelineAnswer;
  readonly scores: ScoresAnswer;
  readonly dashboard: DashboardAnswer;
}

export const RECORDED = fileURLToPath(new URL('recorded.json', import.meta.url));
/** Rows that are kept of each table. */
const ROWS = 15;

export function readRecorded(): Recorded {
  return JSON.parse(readFileSync(RECORDED, 'utf8')) as Recorded;
}

/** Serves a recording as `tidemark page` serves a deployment. */
export function startRecorded({ pipeline, scores, dashboard }: Recorded): Promise<Page> {
  return startPage({
    pipeline: () => Promise.resolve(pipeline),
    scores: () => Promise.resolve(scores),
    dashboard: () => Promise.resolve(dashboard),
  });
}

/** Keeps what a page over a model with alerts answers now. @throws Error when it does not answer, or has no scores */
export async function record(url: string, minutes: number): Promise<void> {
  const ask = async (path: string): Promise<unknown> => {
    const response = await fetch(new URL(path, url));
    if (!response.ok) throw new Error(`${path} answered ${response.status}: is this the address of a page?`);
    return response.json();
  };
  const scores = (await ask('/api/scores')) as ScoresAnswer | null;
  if (scores === null) throw new Error('/api/scores answered null: record the page of a use case with a model');
  const recorded: Recorded = {
    origin: `a page, on ${new Date().toISOString().slice(0, 10)}`,
    minutes,
    pipeline: (await ask('/api/pipeline')) as PipelineAnswer,
    scores: { ...scores, top: scores.top.slice(0, ROWS), alerts: scores.alerts.slice(0, ROWS) },
    dashboard: (await ask(`/api/dashboard?minutes=${minutes}`)) as DashboardAnswer,
  };
  writeFileSync(RECORDED, `${JSON.stringify(recorded)}\n`);
}
