/** Glue jobs are told what names/jobs.ts says, and find the names that both sides share. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { loadStage } from '../../lib/config/stages.ts';
import { DOCUMENT } from '../../names/document.ts';
import { COMMON, JOBS, METRICS_ARGUMENT } from '../../names/jobs.ts';
import { STAGES, synthesise } from './synthesised.ts';
import { Templates } from './templates.ts';

/** Arguments of Glue itself. */
const OF_GLUE = /^--(conf|datalake-formats|extra-py-files|job-language|enable-[a-z-]+)$/;

test.each(STAGES)('in %s each job is given its arguments, and no other', async (stage) => {
  const jobs = (await Templates.of(stage)).all('AWS::Glue::Job');
  const given = jobs.map(({ id, properties }): [string, string[]] => [
    id.replace(/^Batch(.*)Job[0-9A-F]{8}$/, '$1'),
    Object.keys(properties.DefaultArguments as object).filter((name) => !OF_GLUE.test(name)),
  ]);
  const { eventsDays } = loadStage(stage).retention;
  const declared = Object.entries(JOBS).map(([job, of]): [string, string[]] => [
    job.replace(/^./, (letter) => letter.toUpperCase()),
    [...Object.keys(COMMON.shape), ...('metrics' in of ? [METRICS_ARGUMENT] : []), ...Object.keys(of.given.shape)]
      .filter((name) => name !== 'events_days' || eventsDays !== undefined)
      .map((name) => `--${name}`),
  ]);
  expect(Object.fromEntries(given.map(([job, names]) => [job, names.sort()]))).toEqual(
    Object.fromEntries(declared.map(([job, names]) => [job, names.sort()])),
  );
});

test('the package of the jobs holds the document that it reads', async () => {
  const { outdir } = await synthesise('prod');
  const shipped = readdirSync(outdir)
    .map((asset) => path.join(outdir, asset, 'tidemark_spark', 'names.json'))
    .filter((file) => existsSync(file));
  expect(shipped.map((file) => readFileSync(file, 'utf8'))).toEqual([readFileSync(DOCUMENT, 'utf8')]);
});
