/** Glue jobs are told what names/jobs.ts says, and find the names that both sides share. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { DOCUMENT } from '../../names/document.ts';
import { JOBS, type JobName } from '../../names/jobs.ts';
import { declaredArguments, givenArguments } from './job-arguments.ts';
import { STAGES, synthesise } from './synthesised.ts';
import { Templates } from './templates.ts';

/** Of these there is one a way of a source: imports.test.ts. */
const OF_SOURCES: readonly JobName[] = ['importTable', 'importJdbc'];

test.each(STAGES)('in %s each job is given its arguments, and no other', async (stage) => {
  const jobs = (await Templates.of(stage)).all('AWS::Glue::Job');
  const given = jobs.map(({ id, properties }) => [
    id.replace(/^Batch(.*)Job[0-9A-F]{8}$/, '$1'),
    givenArguments(properties),
  ]);
  const declared = (Object.keys(JOBS) as JobName[])
    .filter((job) => !OF_SOURCES.includes(job))
    .map((job) => [job.replace(/^./, (letter) => letter.toUpperCase()), declaredArguments(job, stage)]);
  expect(Object.fromEntries(given)).toEqual(Object.fromEntries(declared));
});

test('the package of the jobs holds the document that it reads', async () => {
  const { outdir } = await synthesise('prod');
  const shipped = readdirSync(outdir)
    .map((asset) => path.join(outdir, asset, 'tidemark_spark', 'names.json'))
    .filter((file) => existsSync(file));
  expect(shipped.map((file) => readFileSync(file, 'utf8'))).toEqual([readFileSync(DOCUMENT, 'utf8')]);
});
