import {
  CloudWatchClient,
  PutDashboardCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateModelPackageGroupCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import type { PageSource } from '../../console/data.ts';
import type { LocalCloud } from '../../local/cloud.ts';
import type { ExperimentRecord } from '../../names/experiments.ts';
import { EXPERIMENT_KEY, RUNNING_KIND, scoresKey } from '../../names/keys.ts';
import { objectKey } from '../../names/lake.ts';
import { REPORT } from '../fixtures/experiment-report.ts';

const MINUTE_MS = 60_000;

/** What a customer's source could try to smuggle onto the page. */
const HOSTILE = '<img src=x onerror="document.body.dataset.hacked=1"><script>document.body.dataset.hacked=1</script>';

/** A small deployment in the local cloud: a dashboard, metrics, an alarm, scores and alerts, through the AWS APIs. */
export async function deployFixture(cloud: LocalCloud, now: number): Promise<PageSource> {
  const cloudwatch = new CloudWatchClient(cloud.clientConfig);
  const dynamodb = new DynamoDBClient(cloud.clientConfig);
  const kinesis = new KinesisClient(cloud.clientConfig);
  const sagemaker = new SageMakerClient(cloud.clientConfig);
  const s3 = new S3Client({ ...cloud.clientConfig, forcePathStyle: true });
  await Promise.all([metrics(cloudwatch, now), scores(dynamodb, now)]);
  await experiment(dynamodb, s3, now);
  await kinesis.send(new CreateStreamCommand({ StreamName: 'events', ShardCount: 2 }));
  await sagemaker.send(new CreateModelPackageGroupCommand({ ModelPackageGroupName: 'churn' }));
  return {
    ...{ stage: 'local', useCase: 'churn', dashboardName: 'pipeline', streamName: 'events' },
    since: now - 60 * MINUTE_MS,
    model: {
      scoresTable: 'scores',
      lakeBucket: 'lake',
      endpointName: 'tidemark-local-churn',
      modelPackageGroup: 'churn',
      alertThreshold: 0.8,
    },
    ...{ cloudwatch, dynamodb, kinesis, s3, sagemaker },
  };
}

const DIMENSIONS = ['Tidemark', 'EventsAdmitted', 'service', 'processor', 'stage', 'local', 'usecase', 'churn'];
const WIDGETS = [
  {
    type: 'text',
    x: 0,
    y: 0,
    width: 24,
    height: 2,
    properties: { markdown: '# Pipeline\nFrom **events** to alerts' },
  },
  {
    ...{ type: 'metric', x: 0, y: 2, width: 12, height: 6 },
    properties: {
      ...{ title: 'Events', view: 'timeSeries', stat: 'Sum', region: 'us-east-1' },
      metrics: [DIMENSIONS, ['.', 'Quarantined', '.', '.', '.', '.', '.', '.', { label: HOSTILE, yAxis: 'right' }]],
      annotations: { horizontal: [{ label: 'much', value: 40 }] },
    },
  },
  {
    ...{ type: 'metric', x: 12, y: 2, width: 6, height: 6 },
    properties: { title: 'Now', view: 'singleValue', stat: 'Sum', metrics: [DIMENSIONS] },
  },
  {
    type: 'metric',
    x: 18,
    y: 2,
    width: 6,
    height: 6,
    properties: { title: 'Nothing yet', metrics: [['Tidemark', 'ApiRequests']] },
  },
  {
    ...{ type: 'metric', x: 0, y: 8, width: 12, height: 6 },
    properties: {
      title: 'Freshness',
      metrics: ['p50', 'p99'].map((stat) => ['Tidemark', 'FreshnessMs', ...DIMENSIONS.slice(2), { stat, label: stat }]),
      yAxis: { left: { label: 'ms', min: 0, showUnits: false } },
    },
  },
];

async function metrics(client: CloudWatchClient, now: number): Promise<void> {
  await client.send(
    new PutDashboardCommand({ DashboardName: 'pipeline', DashboardBody: JSON.stringify({ widgets: WIDGETS }) }),
  );
  const dims = [
    { Name: 'service', Value: 'processor' },
    { Name: 'stage', Value: 'local' },
    { Name: 'usecase', Value: 'churn' },
  ];
  for (let minute = 10; minute > 0; minute -= 1) {
    const Timestamp = new Date(now - minute * MINUTE_MS);
    await client.send(
      new PutMetricDataCommand({
        Namespace: 'Tidemark',
        MetricData: [
          { MetricName: 'EventsAdmitted', Dimensions: dims, Timestamp, Value: 30 + 3 * minute },
          { MetricName: 'Quarantined', Dimensions: dims, Timestamp, Value: minute % 3 },
          {
            MetricName: 'FreshnessMs',
            Dimensions: dims,
            Timestamp,
            Values: [1, 3, 9].map((hours) => hours * 3_600_000),
          },
          {
            MetricName: 'Quarantined',
            Dimensions: [...dims, { Name: 'reason', Value: 'MALFORMED_JSON' }],
            Timestamp,
            Value: minute % 3,
          },
        ],
      }),
    );
  }
  await client.send(
    new PutMetricAlarmCommand({
      ...{
        AlarmName: 'local/churn/Quarantine is filling',
        AlarmDescription: 'Sources send records that their contract refuses.',
      },
      ...{ Namespace: 'Tidemark', MetricName: 'Quarantined', Dimensions: dims, Statistic: 'Sum', Period: 60 },
      ...{ EvaluationPeriods: 1, Threshold: 1_000, ComparisonOperator: 'GreaterThanThreshold' },
    }),
  );
}

async function scores(client: DynamoDBClient, now: number): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: 'scores',
      KeySchema: [
        { AttributeName: 'entity_id', KeyType: 'HASH' },
        { AttributeName: 'kind', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'entity_id', AttributeType: 'S' },
        { AttributeName: 'kind', AttributeType: 'S' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  );
  const put = (Item: Record<string, { S: string } | { N: string } | { L: { S: string }[] }>) =>
    client.send(new PutItemCommand({ TableName: 'scores', Item }));
  for (let index = 0; index < 60; index += 1) {
    const score = (index % 20) / 20 + 0.02;
    const reasons = {
      L: [{ S: 'no basket for 31 days' }, { S: index === 19 ? HOSTILE : 'spends 40 % less than before' }],
    };
    const common = {
      entity_id: { S: `household-${index}` },
      score: { N: String(score) },
      reasons,
      trigger: { S: 'sweep' },
    };
    await put({ ...common, kind: { S: 'score' }, t: { N: String(now) }, model_version: { S: '1' } });
    if (score <= 0.8) continue;
    await put({
      ...common,
      ...{
        kind: { S: `alert#${now}` },
        alert_id: { S: `a${index}` },
        status: { S: 'sent' },
        title: { S: 'Household may leave' },
      },
      link: { S: index === 19 ? 'javascript:document.body.dataset.hacked=1' : `https://crm.example.com/${index}` },
    });
  }
}

/** One that runs, and its last analysis. */
async function experiment(dynamodb: DynamoDBClient, s3: S3Client, now: number): Promise<void> {
  const record: ExperimentRecord = {
    experiment: {
      ...{ name: REPORT.experiment, hash: 'sha256', salts: { enrol: 'e', variant: 'v' }, coverage: 1, hold_out: 0 },
      variants: [
        { name: 'champion', weight: 0.5 },
        { name: 'challenger', weight: 0.5 },
      ],
      metric: { kind: 'feature', feature: 'orders', after_ms: 14 * 86_400_000, as: 'mean' },
      ...{ direction: 'increase', minimum_sample: 100, planned_sample: 1000, alpha: 0.05, stop: 'any_time' },
      duration_ms: 1,
    },
    ...{ status: 'running', started_at: now, ended_at: null, coverage: [{ at: now, coverage: 1 }] },
    packages: { champion: 'a', challenger: 'b' },
  };
  const Item = { ...scoresKey(EXPERIMENT_KEY, RUNNING_KIND), record: { S: JSON.stringify(record) } };
  await dynamodb.send(new PutItemCommand({ TableName: 'scores', Item }));
  await s3.send(new CreateBucketCommand({ Bucket: 'lake' }));
  const Key = objectKey('experimentReport', { experiment: REPORT.experiment });
  await s3.send(new PutObjectCommand({ Bucket: 'lake', Key, Body: JSON.stringify(REPORT) }));
}
