import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from 'echarts/components';
import { type EChartsType, init, use } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { HorizontalLine, Series, Widget } from '../types.ts';
import { short, time } from './format.ts';

use([LineChart, BarChart, GridComponent, TooltipComponent, LegendComponent, MarkLineComponent, CanvasRenderer]);

/** Told apart also with a colour-vision deficiency (Okabe-Ito, darkened for white). */
const PALETTE = ['#1f77b4', '#e0861a', '#2b9a66', '#c2453c', '#7a5cc0', '#0e8fa3', '#a56b1f', '#b8488f'];
const INK = '#39424e';
const FAINT = '#6b7480';
const RULE = '#e6e9ed';
const FONT = 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const TOOLTIP = {
  renderMode: 'richText',
  confine: true,
  backgroundColor: '#ffffff',
  borderColor: '#c9d0d8',
  textStyle: { color: INK, fontSize: 12, fontFamily: FONT },
} as const;

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

/** The value axis ends a little above the data, so that a flat line does not lie on the frame. */
function valueAxis(shown: boolean) {
  return {
    type: 'value',
    show: shown,
    axisLabel: { color: FAINT, fontSize: 11, fontFamily: FONT, formatter: short },
    splitLine: { lineStyle: { color: RULE } },
    axisLine: { show: false },
    splitNumber: 3,
  } as const;
}

function markLines(lines: readonly HorizontalLine[]) {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: '#c2453c', type: 'dashed', width: 1 },
    label: { position: 'insideEndTop', color: '#c2453c', fontSize: 10, formatter: '{b}' },
    data: lines.map(({ label, value }) => ({ name: label, yAxis: value })),
  } as const;
}

/** Draws a CloudWatch widget. A point that stands alone is drawn as a dot: a line of one point would be invisible. */
export function drawSeries(
  element: HTMLElement,
  widget: Extract<Widget, { kind: 'chart' }>,
  from: number,
  to: number,
): void {
  const right = widget.series.some(({ axis }) => axis === 'right');
  const bars = widget.view === 'bar';
  chartOn(element).setOption(
    {
      animation: false,
      color: PALETTE,
      textStyle: { fontFamily: FONT },
      grid: { left: 8, right: right ? 8 : 14, top: 10, bottom: 30, containLabel: true },
      legend: {
        type: 'scroll',
        bottom: 2,
        padding: [4, 4],
        icon: 'roundRect',
        itemWidth: 12,
        itemHeight: 3,
        textStyle: { color: INK, fontSize: 11, lineHeight: 14, fontFamily: FONT, width: 220, overflow: 'truncate' },
      },
      tooltip: { ...TOOLTIP, trigger: 'axis', valueFormatter: (value: unknown) => short(Number(value)) },
      xAxis: {
        type: 'time',
        min: from,
        max: to,
        axisLabel: {
          color: FAINT,
          fontSize: 11,
          hideOverlap: true,
          formatter: (ms: number) => time(ms).slice(0, to - from > 1_800_000 ? 5 : 8),
        },
        axisLine: { lineStyle: { color: '#c9d0d8' } },
        axisTick: { show: false },
        splitLine: { show: false },
      },
      yAxis: [valueAxis(true), ...(right ? [valueAxis(true)] : [])],
      series: widget.series.map((series, index) => ({
        type: bars ? 'bar' : 'line',
        name: series.label,
        yAxisIndex: series.axis === 'right' ? 1 : 0,
        data: series.points.map((point) => [...point]),
        showSymbol: series.points.length < 40,
        symbolSize: 4,
        lineStyle: { width: 1.6 },
        ...(series.color ? { itemStyle: { color: series.color } } : {}),
        ...(widget.stacked ? { stack: 'all' } : {}),
        ...(widget.stacked || widget.series.length === 1
          ? { areaStyle: { opacity: widget.stacked ? 0.35 : 0.08 } }
          : {}),
        ...(index === 0 && widget.lines.length > 0 ? { markLine: markLines(widget.lines) } : {}),
      })),
    },
    { notMerge: true },
  );
}

/** How many entities have which score; what lies above the alert threshold is red. */
export function drawHistogram(element: HTMLElement, bins: readonly number[], threshold: number | null): void {
  const width = 1 / bins.length;
  chartOn(element).setOption(
    {
      animation: false,
      textStyle: { fontFamily: FONT },
      grid: { left: 4, right: 8, top: 12, bottom: 4, containLabel: true },
      tooltip: { ...TOOLTIP, trigger: 'axis', axisPointer: { type: 'shadow' } },
      xAxis: {
        type: 'category',
        data: bins.map((_, index) => (index * width).toFixed(2)),
        axisLabel: { color: FAINT, fontSize: 11, interval: 3 },
        axisTick: { show: false },
        axisLine: { lineStyle: { color: '#c9d0d8' } },
      },
      yAxis: valueAxis(true),
      series: [
        {
          type: 'bar',
          name: 'entities',
          barCategoryGap: '12%',
          data: bins.map((count, index) => ({
            value: count,
            itemStyle: {
              color: threshold !== null && (index + 0.5) * width > threshold ? '#c2453c' : '#7fa8cf',
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
