import {
  type CloudWatchClient,
  type DescribeAlarmsCommandInput,
  GetDashboardCommand,
  type MetricDataQuery,
  type MetricDataResult,
  paginateDescribeAlarms,
  paginateGetMetricData,
} from '@aws-sdk/client-cloudwatch';
import { type BodyWidget, horizontalLines, type MetricRow, metricRows, parseDashboardBody } from './dashboard-body.ts';
import type { Alarm, AlarmState, DashboardAnswer, Point, Series, Widget } from './types.ts';

/** GetMetricData takes 500 queries a call. */
const QUERIES_PER_CALL = 500;
/** About this many points a chart, where the dashboard leaves the period to the viewer. */
const POINTS_WANTED = 120;
const PERIODS_S = [10, 30, 60, 300, 900, 3600, 21_600, 86_400];

/** The smallest usual period that gives at most about 120 points. @returns seconds */
export function periodFor(spanMs: number): number {
  const wanted = spanMs / 1000 / POINTS_WANTED;
  return PERIODS_S.find((period) => period >= wanted) ?? 86_400;
}

/**
 * The deployed dashboard with its data: widgets as GetDashboard describes them, points from GetMetricData.
 * The period follows the time range, as the console's "auto" does, and overrides the widgets' own.
 */
export async function readDashboard(
  client: CloudWatchClient,
  source: { readonly dashboardName: string; readonly stage: string; readonly useCase: string },
  from: number,
  to: number,
): Promise<DashboardAnswer> {
  const name = source.dashboardName;
  const period = periodFor(to - from);
  const { DashboardBody } = await client.send(new GetDashboardCommand({ DashboardName: name }));
  const widgets = parseDashboardBody(DashboardBody ?? '{"widgets":[]}');
  const alarms = await readAlarms(client, `${source.stage}/${source.useCase}/`);
  const rows = widgets.map((widget) => (widget.type === 'metric' ? metricRows(widget.properties) : []));
  const results = await readMetrics(client, rows, period, from, to);
  return {
    name,
    from,
    to,
    period,
    alarms,
    widgets: widgets.map((widget, index) => toWidget(widget, index, rows[index] ?? [], results, alarms)),
  };
}

/** Ids must be unique in a call and start with a lower-case letter; those of a widget's expressions refer to its own rows. */
function queryId(widget: number, id: string): string {
  return `q${widget}_${id}`;
}

function toQuery(widget: number, row: MetricRow, rows: readonly MetricRow[], period: number): MetricDataQuery {
  const common = { Id: queryId(widget, row.id), ReturnData: row.visible, ...(row.label ? { Label: row.label } : {}) };
  if (row.source.kind === 'metric') {
    const { namespace, name, dimensions } = row.source;
    const metric = { Namespace: namespace, MetricName: name, Dimensions: [...dimensions] };
    return { ...common, MetricStat: { Metric: metric, Period: period, Stat: row.stat } };
  }
  const ids = new Set(rows.map(({ id }) => id));
  const expression = row.source.expression.replace(/\b[a-z]\w*\b/g, (word) =>
    ids.has(word) ? queryId(widget, word) : word,
  );
  return { ...common, Expression: expression, Period: period };
}

async function readMetrics(
  client: CloudWatchClient,
  rows: readonly (readonly MetricRow[])[],
  period: number,
  from: number,
  to: number,
): Promise<ReadonlyMap<string, MetricDataResult>> {
  const calls: MetricDataQuery[][] = [[]];
  for (const [widget, own] of rows.entries()) {
    // A widget's queries stay in one call, because its expressions refer to its other rows.
    if ((calls.at(-1)?.length ?? 0) + own.length > QUERIES_PER_CALL) calls.push([]);
    calls.at(-1)?.push(...own.map((row) => toQuery(widget, row, own, period)));
  }
  const results = new Map<string, MetricDataResult>();
  for (const queries of calls) {
    if (queries.length === 0) continue;
    const query = {
      MetricDataQueries: queries,
      StartTime: new Date(Math.floor(from / (period * 1000)) * period * 1000),
      EndTime: new Date(to),
      ScanBy: 'TimestampAscending',
    } as const;
    for await (const { MetricDataResults = [] } of paginateGetMetricData({ client }, query))
      for (const result of MetricDataResults) {
        const before = results.get(result.Id ?? '');
        results.set(result.Id ?? '', before ? join(before, result) : result);
      }
  }
  return results;
}

function join(a: MetricDataResult, b: MetricDataResult): MetricDataResult {
  return {
    ...b,
    Timestamps: [...(a.Timestamps ?? []), ...(b.Timestamps ?? [])],
    Values: [...(a.Values ?? []), ...(b.Values ?? [])],
  };
}

function pointsOf(result: MetricDataResult | undefined): Point[] {
  const values = result?.Values ?? [];
  const points = (result?.Timestamps ?? []).map((time, index): Point => [time.getTime(), values[index] ?? Number.NaN]);
  return points.filter(([, value]) => Number.isFinite(value)).sort(([a], [b]) => a - b);
}

function toSeries(widget: number, row: MetricRow, results: ReadonlyMap<string, MetricDataResult>): Series {
  const result = results.get(queryId(widget, row.id));
  const fallback = row.source.kind === 'metric' ? row.source.name : row.source.expression;
  const refused = result?.StatusCode === 'InternalError' || result?.StatusCode === 'Forbidden';
  const problem = refused ? (result.Messages?.[0]?.Value ?? result.StatusCode) : undefined;
  return {
    label: row.label ?? fallback,
    axis: row.axis,
    points: pointsOf(result),
    ...(row.color ? { color: row.color } : {}),
    ...(problem ? { problem } : {}),
  };
}

function toWidget(
  widget: BodyWidget,
  index: number,
  rows: readonly MetricRow[],
  results: ReadonlyMap<string, MetricDataResult>,
  alarms: readonly Alarm[],
): Widget {
  const { x, y, width, height, properties } = widget;
  const common = { x, y, width, height, title: properties.title ?? '' };
  if (widget.type === 'text') return { ...common, kind: 'text', markdown: properties.markdown ?? '' };
  if (widget.type === 'alarm' || (widget.type === 'metric' && rows.length === 0)) {
    const named = (properties.alarms ?? properties.annotations?.alarms ?? []).map(
      (arn) => arn.split(':alarm:')[1] ?? arn,
    );
    return { ...common, kind: 'alarms', alarms: alarms.filter(({ name }) => named.includes(name)) };
  }
  if (widget.type !== 'metric') return { ...common, kind: 'unsupported', type: widget.type };
  const unit = properties.yAxis?.left?.label;
  const view = properties.view === 'singleValue' || properties.view === 'bar' ? properties.view : 'timeSeries';
  return {
    ...common,
    kind: 'chart',
    view,
    stacked: properties.stacked ?? false,
    ...(unit ? { unit } : {}),
    series: rows.filter(({ visible }) => visible).map((row) => toSeries(index, row, results)),
    lines: horizontalLines(properties),
  };
}

/** All alarms of a deployment; lib/monitoring/alarm-registry.ts names them. */
async function readAlarms(client: CloudWatchClient, AlarmNamePrefix: string): Promise<Alarm[]> {
  const alarms: Alarm[] = [];
  const query: DescribeAlarmsCommandInput = { AlarmTypes: ['MetricAlarm', 'CompositeAlarm'], AlarmNamePrefix };
  for await (const { MetricAlarms = [], CompositeAlarms = [] } of paginateDescribeAlarms({ client }, query))
    for (const alarm of [...MetricAlarms, ...CompositeAlarms])
      alarms.push({
        name: alarm.AlarmName ?? '',
        description: alarm.AlarmDescription ?? '',
        state: (alarm.StateValue ?? 'INSUFFICIENT_DATA') as AlarmState,
        reason: alarm.StateReason ?? '',
        since: alarm.StateUpdatedTimestamp?.getTime() ?? null,
      });
  return alarms.sort((a, b) => a.name.localeCompare(b.name));
}
