import { z } from 'zod';

/**
 * The dashboard body structure of CloudWatch, as far as the page draws it:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
 */
const annotation = z.looseObject({ label: z.string().optional(), value: z.number().optional() });
const properties = z.looseObject({
  title: z.string().optional(),
  markdown: z.string().optional(),
  view: z.string().optional(),
  stacked: z.boolean().optional(),
  stat: z.string().optional(),
  period: z.number().optional(),
  yAxis: z.looseObject({ left: z.looseObject({ label: z.string().optional() }).optional() }).optional(),
  metrics: z.array(z.array(z.unknown())).optional(),
  alarms: z.array(z.string()).optional(),
  annotations: z
    .looseObject({
      horizontal: z.array(z.union([annotation, z.array(annotation)])).optional(),
      alarms: z.array(z.string()).optional(),
    })
    .optional(),
});
const widget = z.looseObject({
  type: z.string(),
  x: z.number().default(0),
  y: z.number().default(0),
  width: z.number().default(6),
  height: z.number().default(6),
  properties: properties.default({}),
});
const body = z.looseObject({ widgets: z.array(widget) });

export type BodyWidget = z.infer<typeof widget>;

/** Options at the end of a row of `metrics`. */
const rowOptions = z.looseObject({
  id: z.string().optional(),
  label: z.string().optional(),
  stat: z.string().optional(),
  period: z.number().optional(),
  color: z.string().optional(),
  yAxis: z.enum(['left', 'right']).optional(),
  visible: z.boolean().optional(),
  expression: z.string().optional(),
});

export interface MetricRow {
  /** Unique in its widget; rows without one get `w<index>`. */
  readonly id: string;
  readonly label: string | undefined;
  readonly stat: string;
  /** Seconds; undefined: the dashboard leaves it to the viewer. */
  readonly period: number | undefined;
  readonly color: string | undefined;
  readonly axis: 'left' | 'right';
  readonly visible: boolean;
  readonly source:
    | { readonly kind: 'expression'; readonly expression: string }
    | {
        readonly kind: 'metric';
        readonly namespace: string;
        readonly name: string;
        readonly dimensions: readonly { readonly Name: string; readonly Value: string }[];
      };
}

/** @throws ZodError or SyntaxError when the text is no dashboard body */
export function parseDashboardBody(text: string): readonly BodyWidget[] {
  return body.parse(JSON.parse(text)).widgets;
}

/**
 * The rows of a metric widget with their shorthand written out: `.` repeats the value above, `...` all the values
 * up to the ones given.
 */
export function metricRows(widgetProperties: BodyWidget['properties']): readonly MetricRow[] {
  const rows: MetricRow[] = [];
  let above: readonly string[] = [];
  for (const [index, raw] of (widgetProperties.metrics ?? []).entries()) {
    const last = raw.at(-1);
    const hasOptions = typeof last === 'object' && last !== null;
    const options = rowOptions.parse(hasOptions ? last : {});
    const written = (hasOptions ? raw.slice(0, -1) : raw).map(String);
    const common = {
      id: options.id ?? `w${index}`,
      label: options.label,
      stat: options.stat ?? widgetProperties.stat ?? 'Average',
      period: options.period ?? widgetProperties.period,
      color: options.color,
      axis: options.yAxis ?? 'left',
      visible: options.visible ?? true,
    } as const;
    if (options.expression !== undefined) {
      rows.push({ ...common, source: { kind: 'expression', expression: options.expression } });
      continue;
    }
    const values = expand(written, above);
    above = values;
    const [namespace = '', name = '', ...pairs] = values;
    const dimensions = [];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      dimensions.push({ Name: pairs[at] as string, Value: pairs[at + 1] as string });
    }
    rows.push({ ...common, source: { kind: 'metric', namespace, name, dimensions } });
  }
  return rows;
}

function expand(written: readonly string[], above: readonly string[]): readonly string[] {
  if (written[0] === '...') {
    const given = written.slice(1);
    return [...above.slice(0, above.length - given.length), ...given];
  }
  return written.map((value, index) => (value === '.' ? (above[index] ?? '') : value));
}

/** Horizontal annotations with a value; bands count as their two lines. */
export function horizontalLines(widgetProperties: BodyWidget['properties']): { label: string; value: number }[] {
  const all = (widgetProperties.annotations?.horizontal ?? []).flat();
  return all.flatMap(({ label, value }) => (value === undefined ? [] : [{ label: label ?? '', value }]));
}
