import { METRIC, type MetricName } from '../../names/metrics.ts';
import type { PipelineAnswer } from '../types.ts';
import { byId, changed, h } from './dom.ts';
import { counted, whole, words } from './format.ts';

type Part = keyof PipelineAnswer['parts'];

interface Box {
  readonly id: string;
  /** @default - every use case has it */
  readonly part?: Part;
  /** Where it stands on a wide screen; a narrow one shows the boxes in their order here. */
  readonly column: number;
  readonly row: 1 | 2;
  readonly title: string;
  /** The AWS service, in small. */
  readonly service: string;
  readonly value: (answer: PipelineAnswer) => string;
  readonly tone?: (answer: PipelineAnswer) => string;
  /** Where data goes from here; drawn where the use case has the part that takes it. */
  readonly arrows?: readonly { readonly to: 'right' | 'down' | 'up'; readonly part?: Part }[];
}

const of = (answer: PipelineAnswer, name: MetricName) => answer.counts[name] ?? 0;

/** The way of the data on a row, what is beside it below. */
const BOXES: readonly Box[] = [
  {
    ...{ id: 'stream', column: 1, row: 1, title: 'Stream', service: 'Kinesis' },
    value: (a) => counted(a.shards, 'shard'),
    arrows: [{ to: 'right' }, { to: 'down' }],
  },
  {
    ...{ id: 'processor', column: 2, row: 1, title: 'Processor', service: 'Lambda' },
    value: (a) => counted(of(a, METRIC.eventsAdmitted), 'event'),
    arrows: [{ to: 'right' }, { to: 'down' }],
  },
  {
    ...{ id: 'states', column: 3, row: 1, title: 'Feature store', service: 'DynamoDB' },
    value: (a) => counted(of(a, METRIC.statesWritten), 'write'),
    arrows: [{ to: 'right', part: 'model' }],
  },
  {
    ...{ id: 'scorer', part: 'model', column: 4, row: 1, title: 'Scorer, sweep', service: 'Lambda' },
    value: (a) => counted(of(a, METRIC.entitiesScored), 'score'),
    arrows: [{ to: 'right', part: 'alerts' }],
  },
  {
    ...{ id: 'alerts', part: 'alerts', column: 5, row: 1, title: 'Alerts', service: 'SNS' },
    value: (a) => `${whole(of(a, METRIC.alertsRaised))} raised`,
    arrows: [{ to: 'right' }],
  },
  {
    ...{ id: 'slack', part: 'alerts', column: 6, row: 1, title: 'Slack', service: 'webhook' },
    value: (a) => `${whole(of(a, METRIC.alertsSent))} sent`,
  },
  {
    ...{ id: 'lake', column: 1, row: 2, title: 'Archive', service: 'S3 and Iceberg' },
    value: (a) => counted(of(a, METRIC.eventsArchived), 'event'),
  },
  {
    ...{ id: 'quarantine', column: 2, row: 2, title: 'Quarantine', service: 'S3' },
    value: (a) => counted(of(a, METRIC.quarantined), 'record'),
    tone: (a) => (of(a, METRIC.quarantined) > 0 ? 'warn' : ''),
  },
  {
    ...{ id: 'model', part: 'model', column: 3, row: 2, title: 'Model', service: 'SageMaker registry' },
    value: (a) => (a.model ? `version ${a.model.version}` : 'none yet'),
    arrows: [{ to: 'right' }],
  },
  {
    ...{ id: 'endpoint', part: 'model', column: 4, row: 2, title: 'Endpoint', service: 'SageMaker' },
    value: (a) => (a.endpoint ? words(a.endpoint.status) : 'none yet'),
    tone: (a) => (a.endpoint?.status === 'InService' ? 'good' : ''),
    arrows: [{ to: 'up' }],
  },
];

function drawn(box: Box, answer: PipelineAnswer): HTMLElement {
  const has = (part: Part | undefined) => part === undefined || answer.parts[part];
  const arrows = (box.arrows ?? []).filter(({ part }) => has(part));
  const element = h(
    'li',
    { class: `box ${box.tone?.(answer) ?? ''}`, 'data-box': box.id },
    h('span', { class: 'box-title' }, box.title),
    h('span', { class: 'box-service' }, box.service),
    h('span', { class: 'box-value' }, box.value(answer)),
    ...arrows.map(({ to }) => h('i', { class: `arrow ${to}`, 'aria-hidden': 'true' })),
  );
  element.style.setProperty('--row', String(box.row));
  element.style.setProperty('--column', String(box.column));
  return element;
}

function reasons({ quarantined }: PipelineAnswer): string {
  const entries = Object.entries(quarantined).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return '';
  return `Quarantined: ${entries.map(([reason, n]) => `${words(reason)} ${whole(n)}`).join(' · ')}`;
}

/** Shows the pipeline with what has passed each part. */
export function showPipeline(answer: PipelineAnswer): void {
  if (!changed('pipeline', answer)) return;
  byId('stage').textContent = answer.stage;
  byId('use-case').textContent = answer.use_case;
  const boxes = BOXES.filter(({ part }) => part === undefined || answer.parts[part]);
  byId('pipeline').replaceChildren(...boxes.map((box) => drawn(box, answer)));
  byId('quarantined').textContent = reasons(answer);
}
