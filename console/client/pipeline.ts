import type { PipelineAnswer } from '../types.ts';
import { byId, svg } from './dom.ts';
import { whole, words } from './format.ts';

interface Box {
  readonly id: string;
  /** @default - every use case has it */
  readonly part?: Part;
  readonly x: number;
  readonly y: number;
  readonly title: string;
  /** The AWS service, in small. */
  readonly service: string;
  readonly value: (answer: PipelineAnswer) => string;
  readonly tone?: (answer: PipelineAnswer) => string;
}

const WIDTH = 150;
const HEIGHT = 66;
const count = (name: string) => (answer: PipelineAnswer) => whole(answer.counts[name] ?? 0);

const BOXES: readonly Box[] = [
  {
    id: 'stream',
    x: 0,
    y: 70,
    title: 'Stream',
    service: 'Kinesis',
    value: (a) => `${a.shards} shard${a.shards === 1 ? '' : 's'}`,
  },
  {
    id: 'processor',
    x: 200,
    y: 70,
    title: 'Processor',
    service: 'Lambda',
    value: (a) => `${count('EventsAdmitted')(a)} events`,
  },
  {
    id: 'states',
    x: 400,
    y: 70,
    title: 'Feature store',
    service: 'DynamoDB',
    value: (a) => `${count('StatesWritten')(a)} writes`,
  },
  {
    id: 'scorer',
    part: 'model',
    x: 600,
    y: 70,
    title: 'Scorer and sweep',
    service: 'Lambda',
    value: (a) => `${count('EntitiesScored')(a)} scores`,
  },
  {
    id: 'alerts',
    part: 'alerts',
    x: 800,
    y: 70,
    title: 'Alerts',
    service: 'SNS',
    value: (a) => `${count('AlertsRaised')(a)} raised`,
  },
  {
    id: 'slack',
    part: 'alerts',
    x: 1000,
    y: 70,
    title: 'Slack',
    service: 'webhook',
    value: (a) => `${count('AlertsSent')(a)} sent`,
  },
  {
    id: 'quarantine',
    x: 200,
    y: 180,
    title: 'Quarantine',
    service: 'S3',
    value: (a) => `${count('Quarantined')(a)} records`,
    tone: (a) => ((a.counts.Quarantined ?? 0) > 0 ? 'warn' : ''),
  },
  {
    id: 'lake',
    x: 0,
    y: 180,
    title: 'Archive',
    service: 'S3 + Iceberg',
    value: (a) => `${count('EventsArchived')(a)} events`,
  },
  {
    id: 'model',
    part: 'model',
    x: 400,
    y: 180,
    title: 'Model',
    service: 'SageMaker registry',
    value: (a) => (a.model ? `version ${a.model.version}` : 'none yet'),
  },
  {
    id: 'endpoint',
    part: 'model',
    x: 600,
    y: 180,
    title: 'Endpoint',
    service: 'SageMaker',
    value: (a) => a.endpoint?.status ?? 'none yet',
    tone: (a) => (a.endpoint?.status === 'InService' ? 'good' : ''),
  },
  {
    id: 'alarms',
    x: 800,
    y: 180,
    title: 'Alarms',
    service: 'CloudWatch',
    value: (a) => `${a.alarms.ALARM} ringing`,
    tone: (a) => (a.alarms.ALARM > 0 ? 'bad' : 'good'),
  },
];

type Part = keyof PipelineAnswer['parts'];

/** From, to, and the path between their edges; what belongs to a part is drawn where the use case has that. */
const ARROWS: readonly (readonly [number, number, number, number, Part?])[] = [
  [150, 103, 200, 103],
  [350, 103, 400, 103],
  [550, 103, 600, 103, 'model'],
  [750, 103, 800, 103, 'alerts'],
  [950, 103, 1000, 103, 'alerts'],
  [75, 136, 75, 180],
  [275, 136, 275, 180],
  [550, 213, 600, 213, 'model'],
  [675, 180, 675, 136, 'model'],
];

function draw(answer: PipelineAnswer): SVGElement {
  const picture = svg('svg', { viewBox: '-4 62 1158 192', role: 'img', 'aria-label': 'The pipeline with live counts' });
  const head = svg('marker', {
    id: 'head',
    viewBox: '0 0 8 8',
    refX: 7,
    refY: 4,
    markerWidth: 7,
    markerHeight: 7,
    orient: 'auto',
  });
  head.append(svg('path', { d: 'M0 0 8 4 0 8z', class: 'head' }));
  picture.append(svg('defs', {}, head));
  const has = (part: Part | undefined) => part === undefined || answer.parts[part];
  for (const [x1, y1, x2, y2] of ARROWS.filter(([, , , , part]) => has(part)))
    picture.append(svg('line', { x1, y1, x2, y2, class: 'arrow', 'marker-end': 'url(#head)' }));
  for (const box of BOXES.filter(({ part }) => has(part))) {
    const tone = box.tone?.(answer) ?? '';
    picture.append(
      svg(
        'g',
        { transform: `translate(${box.x} ${box.y})`, class: `box ${tone}`, 'data-box': box.id },
        svg('rect', { width: WIDTH, height: HEIGHT, rx: 8 }),
        svg('text', { x: 12, y: 20, class: 'box-title' }, box.title),
        svg('text', { x: 12, y: 34, class: 'box-service' }, box.service),
        svg('text', { x: 12, y: 55, class: 'box-value' }, box.value(answer)),
      ),
    );
  }
  return picture;
}

function reasons(answer: PipelineAnswer): HTMLElement | string {
  const entries = Object.entries(answer.quarantined).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return '';
  const line = document.createElement('p');
  line.className = 'quarantined';
  line.append(
    'Quarantined: ',
    entries.map(([reason, n]) => `${words(reason.toLowerCase().replaceAll('_', ' '))} ${whole(n)}`).join(' · '),
  );
  return line;
}

/** Shows the pipeline as a picture with what has passed each part. */
export function showPipeline(answer: PipelineAnswer): void {
  byId('stage').textContent = answer.stage;
  byId('use-case').textContent = answer.use_case;
  byId('pipeline').replaceChildren(draw(answer), reasons(answer));
}
