/** What the page's server answers, shared with the browser's code. All instants are ms UTC. */
import type { ExperimentReport } from '../names/reports.ts';

export type Point = readonly [t: number, value: number];

export interface Series {
  readonly label: string;
  readonly color?: string;
  /** Which axis: CloudWatch widgets may have a second one on the right. */
  readonly axis: 'left' | 'right';
  readonly points: readonly Point[];
  /** Set when CloudWatch gave no data for a reason worth telling. */
  readonly problem?: string;
}

export interface HorizontalLine {
  readonly label: string;
  readonly value: number;
}

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface Alarm {
  readonly name: string;
  readonly description: string;
  readonly state: AlarmState;
  /** Why it is in this state, in CloudWatch's words. */
  readonly reason: string;
  readonly since: number | null;
}

interface WidgetCommon {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly title: string;
}

export type Widget = WidgetCommon &
  (
    | {
        readonly kind: 'chart';
        readonly view: 'timeSeries' | 'bar' | 'singleValue';
        readonly stacked: boolean;
        /** Of the left axis, where the dashboard says it: `ms`. */
        readonly unit?: string;
        readonly series: readonly Series[];
        readonly lines: readonly HorizontalLine[];
      }
    | { readonly kind: 'text'; readonly markdown: string }
    | { readonly kind: 'alarms'; readonly alarms: readonly Alarm[] }
    | { readonly kind: 'unsupported'; readonly type: string }
  );

export interface DashboardAnswer {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Seconds of one point. */
  readonly period: number;
  readonly widgets: readonly Widget[];
  readonly alarms: readonly Alarm[];
}

export interface ScoreRow {
  readonly entity_id: string;
  readonly score: number;
  readonly t: number;
  readonly reasons: readonly string[];
  readonly trigger: string | null;
  readonly model_version: string;
}

export interface AlertRow {
  readonly alert_id: string;
  readonly entity_id: string;
  readonly t: number;
  readonly score: number;
  readonly status: string;
  readonly title: string;
  readonly link: string;
  readonly reasons: readonly string[];
  readonly trigger: string | null;
}

export interface ScoresAnswer {
  /** Null where scores raise no alerts. */
  readonly threshold: number | null;
  /** Entities with a score. */
  readonly total: number;
  /** Number of scores in each of 20 bins of 0.05. */
  readonly histogram: readonly number[];
  /** Highest first, cut. */
  readonly top: readonly ScoreRow[];
  /** Newest first, cut. */
  readonly alerts: readonly AlertRow[];
  readonly alert_count: number;
  /** False when the table was too large to read whole. */
  readonly complete: boolean;
}

/** A source by one of the services that take what comes of it. Counts since the deployment. */
export interface SourceRow {
  readonly source: string;
  readonly service: string;
  readonly events: number;
  /** Events a minute, over the last quarter of an hour. */
  readonly per_minute: number;
  /** From the source's own door to the stream, the longest. */
  readonly lag_ms: number;
  readonly refused: number;
  readonly ignored: number;
  /** Records that came again because the stream did not take all of them. */
  readonly failed: number;
  readonly gaps: number;
  /** Fields in which its events differ from their contract, whichever way they came. */
  readonly drift: number;
}

/** The experiment that runs. */
export interface ExperimentAnswer {
  readonly name: string;
  readonly started_at: number;
  /** By what the variants are judged, in words. */
  readonly metric: string;
  /** Null before the first analysis. */
  readonly report: ExperimentReport | null;
}

export interface PipelineAnswer {
  readonly stage: string;
  readonly use_case: string;
  /** Sums of the pipeline's own metrics since the deployment, by metric name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly quarantined: Readonly<Record<string, number>>;
  /** What the use case has beside events and features: the page leaves out the rest. */
  readonly parts: { readonly model: boolean; readonly alerts: boolean };
  readonly shards: number;
  /** Empty where the use case has no sources, or none has sent anything yet. */
  readonly sources: readonly SourceRow[];
  readonly endpoint: { readonly name: string; readonly status: string } | null;
  /** Null where none runs. */
  readonly experiment: ExperimentAnswer | null;
  readonly model: { readonly version: string; readonly approval: string; readonly created: number } | null;
}
