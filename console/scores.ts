import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { ALERT_KIND, SCORE_KIND, SUPPRESSED_KIND } from '../names/keys.ts';
import type { AlertRow, ScoreRow, ScoresAnswer } from './types.ts';

const BINS = 20;
/** A page is for looking at: of a larger table the first pages (1 MB each) are shown, and it says so. */
const MAX_PAGES = 20;
const TOP = 50;
const ALERTS = 100;

type Item = Readonly<Record<string, AttributeValue>>;

const text = (item: Item, name: string): string => item[name]?.S ?? '';
const number = (item: Item, name: string): number => Number(item[name]?.N ?? Number.NaN);
const texts = (item: Item, name: string): string[] => (item[name]?.L ?? []).flatMap((value) => value.S ?? []);

function toScore(item: Item): ScoreRow {
  return {
    entity_id: text(item, 'entity_id'),
    score: number(item, 'score'),
    t: number(item, 't'),
    reasons: texts(item, 'reasons'),
    trigger: item.trigger?.S ?? null,
    model_version: text(item, 'model_version'),
  };
}

function toAlert(item: Item): AlertRow {
  return {
    alert_id: text(item, 'alert_id'),
    entity_id: text(item, 'entity_id'),
    t: Number(item.t?.N ?? text(item, 'kind').split('#')[1] ?? Number.NaN),
    score: number(item, 'score'),
    status: text(item, 'status'),
    title: text(item, 'title'),
    link: text(item, 'link'),
    reasons: texts(item, 'reasons'),
    trigger: item.trigger?.S ?? null,
  };
}

/** An alert that nobody was told of. */
export interface SuppressedRow {
  readonly entity_id: string;
  readonly trigger: string | null;
  readonly rule: string;
}

/** Everything in the scores table: one row per entity, the outbox of alerts, and those that nobody was told of. */
export async function scanScores(
  client: DynamoDBClient,
  table: string,
  maxPages = Number.POSITIVE_INFINITY,
): Promise<{ scores: ScoreRow[]; alerts: AlertRow[]; suppressed: SuppressedRow[]; complete: boolean }> {
  const scores: ScoreRow[] = [];
  const alerts: AlertRow[] = [];
  const suppressed: SuppressedRow[] = [];
  let pages = 0;
  for await (const { Items = [], LastEvaluatedKey } of paginateScan({ client }, { TableName: table })) {
    for (const item of Items) {
      const kind = text(item, 'kind');
      if (kind === SCORE_KIND) scores.push(toScore(item));
      else if (kind.startsWith(ALERT_KIND)) alerts.push(toAlert(item));
      else if (kind.startsWith(SUPPRESSED_KIND))
        suppressed.push({
          entity_id: text(item, 'entity_id'),
          trigger: item.trigger?.S ?? null,
          rule: text(item, 'rule'),
        });
    }
    pages += 1;
    if (LastEvaluatedKey && pages >= maxPages) return { scores, alerts, suppressed, complete: false };
  }
  return { scores, alerts, suppressed, complete: true };
}

/** What the page shows of the scores table. */
export async function readScores(
  client: DynamoDBClient,
  table: string,
  threshold: number | null,
): Promise<ScoresAnswer> {
  const { scores, alerts, complete } = await scanScores(client, table, MAX_PAGES);
  const histogram = new Array<number>(BINS).fill(0);
  for (const { score } of scores) {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(score * BINS)));
    histogram[bin] = (histogram[bin] ?? 0) + 1;
  }
  return {
    threshold,
    total: scores.length,
    histogram,
    top: scores.sort((a, b) => b.score - a.score).slice(0, TOP),
    alerts: alerts.sort((a, b) => b.t - a.t || a.entity_id.localeCompare(b.entity_id)).slice(0, ALERTS),
    alert_count: alerts.length,
    complete,
  };
}
