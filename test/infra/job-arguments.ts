/** Arguments of a Glue job: what names/jobs.ts says, and what a template gives. */
import { loadStage } from '../../lib/config/stages.ts';
import { COMMON, JOBS, type JobName, METRICS_ARGUMENT } from '../../names/jobs.ts';
import type { StageName } from './synthesised.ts';

/** Arguments of Glue itself. */
const OF_GLUE = /^--(conf|datalake-formats|extra-py-files|job-language|enable-[a-z-]+)$/;

export const givenArguments = (properties: Record<string, unknown>): string[] =>
  Object.keys(properties.DefaultArguments as object)
    .filter((name) => !OF_GLUE.test(name))
    .sort();

export function declaredArguments(job: JobName, stage: StageName): string[] {
  const of = JOBS[job];
  const { eventsDays } = loadStage(stage).retention;
  return [...Object.keys(COMMON.shape), ...('metrics' in of ? [METRICS_ARGUMENT] : []), ...Object.keys(of.given.shape)]
    .filter((name) => name !== 'events_days' || eventsDays !== undefined)
    .map((name) => `--${name}`)
    .sort();
}
