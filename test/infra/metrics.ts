/**
 * Metrics that an alarm or a graph may name: those that a service documents, and those that our code emits. An alarm on any
 * other looks at nothing for ever.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DIMENSION, METRIC, METRIC_NAMESPACE, SERVICE } from '../../names/metrics.ts';
import { textOf } from './arns.ts';
import { list, type Templates } from './templates.ts';

interface Documented {
  readonly source: string;
  /** The sets of dimensions that the metrics come with, each with its metrics. */
  readonly metrics: ReadonlyArray<readonly [dimensions: readonly string[], names: readonly string[]]>;
}

export const DOCUMENTED: Readonly<Record<string, Documented>> = {
  'AWS/ApiGateway': {
    source: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html',
    metrics: [[['ApiId'], ['4xx', '5xx', 'Count', 'IntegrationLatency', 'Latency', 'DataProcessed']]],
  },
  'AWS/Events': {
    // "RuleName" of rules of the default bus, with "EventBusName" of those of another one.
    source: 'https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html',
    metrics: [
      [['RuleName'], ['FailedInvocations', 'InvocationsSentToDlq', 'InvocationsFailedToBeSentToDlq']],
      [
        ['EventBusName', 'RuleName'],
        ['FailedInvocations', 'InvocationsSentToDlq', 'InvocationsFailedToBeSentToDlq'],
      ],
    ],
  },
  'AWS/Kinesis': {
    source: 'https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html',
    metrics: [
      [
        ['StreamName'],
        [
          'GetRecords.IteratorAgeMilliseconds',
          'IncomingRecords',
          'IncomingBytes',
          'WriteProvisionedThroughputExceeded',
        ],
      ],
    ],
  },
  'AWS/Lambda': {
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html',
    metrics: [
      [['FunctionName'], ['Invocations', 'Errors', 'Throttles', 'Duration', 'DeadLetterErrors', 'IteratorAge']],
      [['EventSourceMappingUUID'], ['OnFailureDestinationDeliveredEventCount', 'DroppedEventCount']],
    ],
  },
  'AWS/SQS': {
    source:
      'https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html',
    metrics: [[['QueueName'], ['ApproximateNumberOfMessagesVisible', 'ApproximateAgeOfOldestMessage']]],
  },
  'AWS/SageMaker': {
    source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html',
    metrics: [
      [
        ['EndpointName', 'VariantName'],
        ['Invocations', 'Invocation4XXErrors', 'Invocation5XXErrors', 'ModelLatency', 'OverheadLatency'],
      ],
    ],
  },
  'AWS/States': {
    source: 'https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html',
    metrics: [
      [['StateMachineArn'], ['ExecutionsStarted', 'ExecutionsSucceeded', 'ExecutionsFailed', 'ExecutionsTimedOut']],
    ],
  },
};

/** A metric as an alarm or a graph names it. */
export interface NamedMetric {
  readonly where: string;
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface CfnMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: ReadonlyArray<{ readonly Name: string; readonly Value: unknown }>;
}

export function namedMetrics(templates: Templates): NamedMetric[] {
  const ofAlarms = templates.all('AWS::CloudWatch::Alarm').flatMap(({ stack, id, properties }) =>
    cfnMetrics(properties).map(({ Namespace, MetricName, Dimensions = [] }) => ({
      where: `${stack}/${id}`,
      namespace: Namespace,
      name: MetricName,
      dimensions: Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, textOf(templates, stack, Value)])),
    })),
  );
  const ofGraphs = templates.all('AWS::CloudWatch::Dashboard').flatMap(({ stack, id, properties }) => {
    const body = JSON.parse(textOf(templates, stack, properties.DashboardBody)) as {
      widgets: Array<{ properties: { title?: string; metrics?: unknown[][] } }>;
    };
    return body.widgets.flatMap(({ properties: { title, metrics = [] } }) =>
      metrics.filter(([first]) => typeof first === 'string').map((row) => graphMetric(`${stack}/${id} ${title}`, row)),
    );
  });
  return [...ofAlarms, ...ofGraphs];
}

function cfnMetrics(properties: Record<string, unknown>): CfnMetric[] {
  if (properties.Namespace !== undefined) return [properties as unknown as CfnMetric];
  return (list(properties.Metrics) as Array<{ MetricStat?: { Metric: CfnMetric } }>).flatMap(({ MetricStat }) =>
    MetricStat === undefined ? [] : [MetricStat.Metric],
  );
}

/** `[namespace, name, dimension, value, …, options]`. */
function graphMetric(where: string, row: readonly unknown[]): NamedMetric {
  const [namespace, name, ...rest] = row.filter((part) => typeof part === 'string');
  const dimensions: Record<string, string> = {};
  for (let i = 0; i + 1 < rest.length; i += 2) dimensions[rest[i] ?? ''] = rest[i + 1] ?? '';
  return { where, namespace: namespace ?? '', name: name ?? '', dimensions };
}

/** One sentence for each metric that nothing emits. */
export function unknownMetrics(metrics: readonly NamedMetric[]): string[] {
  return [...new Set(metrics.flatMap((metric) => (isEmitted(metric) ? [] : [describe(metric)])))];
}

function describe({ where, namespace, name, dimensions }: NamedMetric): string {
  return `${where}: nothing emits ${namespace} ${name} by ${Object.keys(dimensions).sort().join(', ')}`;
}

function isEmitted({ namespace, name, dimensions }: NamedMetric): boolean {
  if (namespace === METRIC_NAMESPACE) return isOurs(name, dimensions);
  return (DOCUMENTED[namespace]?.metrics ?? []).some(
    ([by, names]) => names.includes(name) && same(by, Object.keys(dimensions)),
  );
}

const SOURCES: Readonly<Record<string, string>> = {
  [SERVICE.publisher]: 'lambdas/notifier/publish.ts',
  [SERVICE.notifier]: 'lambdas/notifier/handler.ts',
  // These jobs are told the names of their metrics.
  [SERVICE.healing]: 'names/jobs.ts',
  [SERVICE.consistency]: 'names/jobs.ts',
  [SERVICE.compaction]: 'names/jobs.ts',
  [SERVICE.experiments]: 'names/jobs.ts',
  [SERVICE.importTable]: 'names/jobs.ts',
  [SERVICE.importJdbc]: 'names/jobs.ts',
};

function isOurs(name: string, dimensions: Readonly<Record<string, string>>): boolean {
  const key = Object.entries(METRIC).find(([, value]) => value === name)?.[0];
  const always = [DIMENSION.service, DIMENSION.stage, DIMENSION.useCase];
  const more: Readonly<Record<string, string>> = {
    [METRIC.quarantined]: DIMENSION.reason,
    [METRIC.driftFields]: DIMENSION.source,
    [METRIC.alertsSuppressed]: DIMENSION.rule,
  };
  const one = name.startsWith('Intake') ? DIMENSION.source : more[name];
  const by = one !== undefined && (one in dimensions || name.startsWith('Intake')) ? [...always, one] : always;
  const service = dimensions[DIMENSION.service] ?? '';
  return key !== undefined && same(by, Object.keys(dimensions)) && sourceOf(service).includes(`METRIC.${key}`);
}

/** What may emit metrics as a service; empty for one that does not exist. */
function sourceOf(service: string): string {
  if (!Object.values<string>(SERVICE).includes(service)) return '';
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const file = SOURCES[service];
  if (file !== undefined) return readFileSync(join(root, file), 'utf8');
  const folder = join(root, 'lambdas', service);
  const files = readdirSync(folder).map((each) => join(folder, each));
  // What all functions of sources count, they count at one place.
  if (service.startsWith('intake-')) files.push(join(root, 'lambdas/aws/intake.ts'));
  const text = files.map((each) => readFileSync(each, 'utf8')).join('\n');
  // What differs, who is not told and a challenger that fails, all that find it report alike.
  const shared = {
    'reportDrift(': 'drift.ts',
    'countSuppressed(': 'alert-counts.ts',
    'scoringAdapters(': 'scoring-adapters.ts',
  };
  const called = Object.entries(shared).filter(([call]) => text.includes(call));
  return [text, ...called.map(([, name]) => readFileSync(join(root, 'lambdas/aws', name), 'utf8'))].join('\n');
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each) => other.includes(each));
}
