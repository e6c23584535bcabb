/** What asking the model costs a month, by each `endpoint.mode`: the table of docs/explanation/what-scoring-costs.md. */
import { table } from './markdown.ts';

/** List prices, USD. */
export const PRICES = {
  region: 'us-east-1',
  date: '2026-11-27',
  /** An hour of a machine that hosts. */
  instanceHour: { 'ml.m5.large': 0.115, 'ml.t2.medium': 0.056 },
  /** A second of a serverless endpoint of 2048 MiB, while it answers. */
  serverlessSecond: 0.00004,
  /** A GiB-second of Lambda on arm64. */
  lambdaGibSecond: 0.0000133334,
  /** A thousand reads of S3. */
  s3Reads: 0.0004,
} as const;

/** Of a model of 200 trees of depth 4 over 30 inputs: `npm run bench -- --only scorer`, on a laptop's core. */
export const MEASURED = {
  /** One row with its contributions, in the function (ms). */
  rowMs: 0.6,
  /** One request to a container over loopback (ms): what a function waits for, and a serverless endpoint is paid for. */
  requestMs: 20,
} as const;

const HOURS = 730;
/** "At 1,769 MB, a function has the equivalent of one vCPU" (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). */
const CORE_MIB = 1769;
const FUNCTION_MIB = 512;
/** Functions that are kept by Lambda all the time: each looks once a minute at what serves. */
const KEPT_FUNCTIONS = 4;

const lambda = (ms: number) => (ms / 1000) * (FUNCTION_MIB / 1024) * PRICES.lambdaGibSecond;

/** @param events scored in a month, each by a request of its own, as where little comes. @returns USD a month */
export const WAYS = {
  'two ml.m5.large': (events: number) =>
    2 * HOURS * PRICES.instanceHour['ml.m5.large'] + events * lambda(MEASURED.requestMs),
  'one ml.t2.medium': (events: number) =>
    HOURS * PRICES.instanceHour['ml.t2.medium'] + events * lambda(MEASURED.requestMs),
  'serverless, 2048 MiB': (events: number) =>
    events * ((MEASURED.requestMs / 1000) * PRICES.serverlessSecond + lambda(MEASURED.requestMs)),
  'in-process': (events: number) =>
    events * lambda((MEASURED.rowMs * CORE_MIB) / FUNCTION_MIB) +
    ((KEPT_FUNCTIONS * HOURS * 60) / 1000) * PRICES.s3Reads,
} as const;

export const EVENTS = [10_000, 100_000, 1_000_000, 10_000_000, 100_000_000] as const;

/** The name of the cheapest way. */
export function cheapest(events: number): keyof typeof WAYS {
  const names = Object.keys(WAYS) as (keyof typeof WAYS)[];
  return names.reduce((best, name) => (WAYS[name](events) < WAYS[best](events) ? name : best));
}

const usd = (value: number) => `$${value < 10 ? value.toFixed(2) : Math.round(value).toLocaleString('en')}`;

export function costsTable(): string {
  const head = ['events a month', ...Object.keys(WAYS)];
  const rows = EVENTS.map((events) => [
    events.toLocaleString('en'),
    ...Object.values(WAYS).map((way) => usd(way(events))),
  ]);
  return table(head, rows);
}
