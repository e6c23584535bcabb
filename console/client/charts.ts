import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { type EChartsType, init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { HorizontalLine, Series, Widget } from '../types.ts';
import { type Scale, scaled, scaleFor, short, time, whole } from './format.ts';
import { type Theme, theme } from './theme.ts';

use([LineChart, BarChart, GridComponent, TooltipComponent, MarkLineComponent, CanvasRenderer]);

const TEN_MINUTES_MS = 600_000;

const alive = new Map<HTMLElement, EChartsType>();

function chartOn(element: HTMLElement): EChartsType {
  const before = alive.get(element);
  if (before) return before;
  const chart = init(element, null, { renderer: 'canvas' });
  alive.set(element, chart);
  return chart;
}

addEventListener('resize', () => {
  for (const chart of alive.values()) chart.resize();
});

/** Frees the charts of elements that have left the page. */
export function forgetDetached(): void {
  for (const [element, chart] of alive) {
    if (element.isConnected) continue;
    chart.dispose();
    alive.delete(element);
  }
}

function tooltip({ panel, line, ink, font }: Theme) {
  return {
    renderMode: 'richText',
    trigger: 'axis',
    confine: true,
    backgroundColor: panel,
    borderColor: line,
    textStyle: { color: ink, fontSize: 12, fontFamily: font },
  } as const;
}

/** @param format of a value that is already divided. @param counts whether a part of one would mean nothing */
function valueAxis({ soft, rule, font }: Theme, format: (value: number) => string, counts: boolean) {
  return {
    type: 'value',
    axisLabel: { color: soft, fontSize: 11, fontFamily: font, formatter: format },
    splitLine: { lineStyle: { color: rule } },
    axisLine: { show: false },
    splitNumber: 3,
    ...(counts ? { minInterval: 1 } : {}),
  } as const;
}

function markLines(lines: readonly HorizontalLine[], { divisor }: Scale, { bad }: Theme) {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: bad, type: 'dashed', width: 1 },
    label: { position: 'insideEndTop', color: bad, fontSize: 11, formatter: '{b}' },
    data: lines.map(({ label, value }) => ({ name: label, yAxis: value / divisor })),
  } as const;
}

/** The unit that fits all values of a chart, so that its series stay comparable. */
export function scaleOf(widget: Extract<Widget, { kind: 'chart' }>): Scale {
  const values = widget.series.flatMap(({ points }) => points.map(([, value]) => Math.abs(value)));
  return scaleFor(widget.unit, Math.max(0, ...values));
}

/** The series of a widget that have points, each with the colour it is drawn in. */
export function drawn(widget: Extract<Widget, { kind: 'chart' }>): (Series & { readonly color: string })[] {
  const { series } = theme();
  return widget.series
    .filter(({ points }) => points.length > 0)
    .map((one, index) => ({ ...one, color: one.color ?? series[index % series.length]! }));
}

/** Draws a CloudWatch widget. A point that stands alone is drawn as a dot: a line of one point would be invisible. */
export function drawSeries(
  element: HTMLElement,
  widget: Extract<Widget, { kind: 'chart' }>,
  from: number,
  to: number,
): void {
  const colours = theme();
  const scale = scaleOf(widget);
  const right = widget.series.some(({ axis }) => axis === 'right');
  const format = (value: number) => scaled(value, { ...scale, divisor: 1 });
  const series = drawn(widget);
  const counts =
    scale.unit === '' && series.every(({ points }) => points.every(([, value]) => Number.isInteger(value)));
  const axis = valueAxis(colours, format, counts);
  chartOn(element).setOption(
    {
      animation: false,
      useUTC: true,
      textStyle: { fontFamily: colours.font },
      grid: { left: 4, right: right ? 4 : 14, top: 12, bottom: 4, containLabel: true },
      tooltip: { ...tooltip(colours), valueFormatter: (value: unknown) => format(Number(value)) },
      xAxis: {
        type: 'time',
        min: from,
        max: to,
        axisLabel: {
          color: colours.soft,
          fontSize: 11,
          hideOverlap: true,
          formatter: (ms: number) => time(ms).slice(0, to - from > TEN_MINUTES_MS ? 5 : 8),
        },
        axisLine: { lineStyle: { color: colours.line } },
        axisTick: { show: false },
        splitLine: { show: false },
      },
      yAxis: right ? [axis, axis] : [axis],
      series: series.map((one, index) => ({
        type: widget.view === 'bar' ? 'bar' : 'line',
        name: one.label,
        color: one.color,
        yAxisIndex: one.axis === 'right' ? 1 : 0,
        data: one.points.map(([t, value]) => [t, value / scale.divisor]),
        showSymbol: one.points.length < 40,
        symbolSize: one.points.length === 1 ? 7 : 4,
        lineStyle: { width: 1.6 },
        ...(widget.stacked ? { stack: 'all' } : {}),
        ...(widget.stacked || series.length === 1 ? { areaStyle: { opacity: widget.stacked ? 0.35 : 0.1 } } : {}),
        ...(index === 0 && widget.lines.length > 0 ? { markLine: markLines(widget.lines, scale, colours) } : {}),
      })),
    },
    { notMerge: true },
  );
}

/** How many entities have which score; what lies above the alert threshold is red. */
export function drawHistogram(element: HTMLElement, bins: readonly number[], threshold: number | null): void {
  const colours = theme();
  const width = 1 / bins.length;
  const edge = (index: number) => (index * width).toFixed(2);
  chartOn(element).setOption(
    {
      animation: false,
      textStyle: { fontFamily: colours.font },
      grid: { left: 4, right: 8, top: 12, bottom: 4, containLabel: true },
      tooltip: {
        ...tooltip(colours),
        axisPointer: { type: 'shadow' },
        formatter: ([bar]: readonly { readonly dataIndex: number }[]) =>
          bar === undefined
            ? ''
            : `score ${edge(bar.dataIndex)} to ${edge(bar.dataIndex + 1)}: ${whole(bins[bar.dataIndex] ?? 0)} entities`,
      },
      xAxis: {
        type: 'category',
        data: bins.map((_, index) => edge(index)),
        axisLabel: { color: colours.soft, fontSize: 11, interval: 3 },
        axisTick: { show: false },
        axisLine: { lineStyle: { color: colours.line } },
      },
      yAxis: valueAxis(colours, short, true),
      series: [
        {
          type: 'bar',
          barCategoryGap: '12%',
          data: bins.map((count, index) => ({
            value: count,
            itemStyle: {
              color: threshold !== null && (index + 0.5) * width > threshold ? colours.bad : colours.bar,
              borderRadius: [2, 2, 0, 0],
            },
          })),
        },
      ],
    },
    { notMerge: true },
  );
}

/** Points that a widget really shows. */
export function pointCount(series: readonly Series[]): number {
  return series.reduce((sum, { points }) => sum + points.length, 0);
}
