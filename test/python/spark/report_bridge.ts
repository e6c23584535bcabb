/** Reads the report of a job as the command line does: job and report on stdin, what it can't read of it on stdout. */
import { readFileSync } from 'node:fs';
import { JOBS } from '../../../names/jobs.ts';

type Reporting = { [Name in keyof typeof JOBS]: (typeof JOBS)[Name] extends { report: unknown } ? Name : never };

const { job, report } = JSON.parse(readFileSync(0, 'utf8')) as {
  readonly job: Reporting[keyof typeof JOBS];
  readonly report: unknown;
};
const { error } = JOBS[job].report.safeParse(report);
process.stdout.write(JSON.stringify((error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`)));
