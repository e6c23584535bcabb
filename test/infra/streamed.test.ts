/** Sources that are read: their functions, mappings, grants and alarms, in a stage that says where they are. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Match, Template } from 'aws-cdk-lib/assertions';
import type { StageConfig } from '../../lib/config/stage-config.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { intakeFunction, intakeKey } from '../../names/redrive.ts';
import { type Synthesised, synthesise, synthesiseConfig } from './synthesised.ts';

const STREAMED = path.join(fileURLToPath(new URL('..', import.meta.url)), 'fixtures/usecases/streamed');
const CLUSTER = 'arn:aws:kafka:eu-west-1:111122223333:cluster/shop/11111111-2222-3333-4444-555555555555-1';
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:kafka-1a2b3c';
const SOURCES: StageConfig['sources'] = {
  shop: { kinesis: { streamArn: 'arn:aws:kinesis:eu-west-1:111122223333:stream/dms' } },
  shelf: {
    dynamodb: { streamArn: 'arn:aws:dynamodb:eu-west-1:111122223333:table/reads/stream/2026-01-01T00:00:00.000' },
  },
  cdc: { kafka: { topic: 'shop.public.reads', clusterArn: CLUSTER } },
  topic: {
    kafka: {
      topic: 'reads',
      brokers: ['b-1.example.com:9096', 'b-2.example.com:9096'],
      consumerGroup: 'tidemark',
      credentials: { secretArn: SECRET, method: 'SASL_SCRAM_512' },
      vpc: { subnetIds: ['subnet-0a', 'subnet-0b'], securityGroupId: 'sg-0c' },
      pollers: { least: 2, most: 8 },
    },
  },
  web: { logs: { logGroup: '/app/web', filterPattern: '{ $.reader = * }' } },
  lamp: { iot: { topicFilter: 'lamps/+/read' } },
};

describe('a stage that says where', () => {
  let app: Synthesised;
  let template: Template;
  beforeAll(async () => {
    app = await synthesiseConfig({ ...loadStage('prod'), sources: SOURCES }, STREAMED);
    template = app.template('intake');
  });

  const mapping = (properties: object) => template.hasResourceProperties('AWS::Lambda::EventSourceMapping', properties);
  const grantsOf = (id: string) => {
    const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([name]) => name.startsWith(id));
    return JSON.stringify(policies.map(([, { Properties }]) => Properties.PolicyDocument.Statement));
  };

  test('tidemark quarantine redrive finds every function', () => {
    const own = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) =>
      intakeFunction(Properties.Environment.Variables),
    );
    const ways = Object.entries(SOURCES).flatMap(([name, of]) => Object.keys(of!).map((kind) => intakeKey(name, kind)));
    expect(own.sort()).toEqual(ways.sort());
  });

  test('every way has a function, a role and an end to retries of its own', () => {
    template.resourceCountIs('AWS::Lambda::EventSourceMapping', 4);
    const functions = Object.keys(template.findResources('AWS::Lambda::Function'));
    for (const id of ['ShopKinesis', 'ShelfDynamodb', 'CdcKafka', 'TopicKafka', 'WebLogs', 'LampIot'])
      expect(functions.filter((name) => name.startsWith(id))).toHaveLength(1);
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      StartingPosition: 'TRIM_HORIZON',
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      // Kinesis and DynamoDB forget after a day what nobody asked them to keep.
      MaximumRecordAgeInSeconds: 23 * 3600,
      MaximumRetryAttempts: Match.anyValue(),
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });

  test('a topic is read by its group, a cluster of one’s own through its network and with its secret', () => {
    mapping({
      EventSourceArn: CLUSTER,
      Topics: ['shop.public.reads'],
      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'tidemark-prod-tiny-cdc' },
      ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 2 },
    });
    mapping({
      SelfManagedEventSource: {
        Endpoints: { KafkaBootstrapServers: ['b-1.example.com:9096', 'b-2.example.com:9096'] },
      },
      Topics: ['reads'],
      SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: 'tidemark' },
      SourceAccessConfigurations: [
        { Type: 'SASL_SCRAM_512_AUTH', URI: SECRET },
        { Type: 'VPC_SUBNET', URI: 'subnet:subnet-0a' },
        { Type: 'VPC_SUBNET', URI: 'subnet:subnet-0b' },
        { Type: 'VPC_SECURITY_GROUP', URI: 'security_group:sg-0c' },
      ],
    });
    expect(grantsOf('CdcKafka')).toContain(`${CLUSTER.replace(':cluster/', ':group/')}/tidemark-prod-tiny-cdc`);
    expect(grantsOf('CdcKafka')).not.toContain('secretsmanager');
    expect(grantsOf('TopicKafka')).toContain(SECRET);
    expect(grantsOf('TopicKafka')).not.toContain('kafka-cluster');
  });

  test('none of them may forget anybody, and each may read its own source alone', () => {
    for (const id of ['ShopKinesis', 'ShelfDynamodb', 'CdcKafka', 'TopicKafka', 'WebLogs', 'LampIot']) {
      expect(grantsOf(id)).toContain('kinesis:PutRecords');
      expect(grantsOf(id)).not.toMatch(/dynamodb:(Delete|Put|Update)Item|tombstones/);
    }
    expect(grantsOf('WebLogs')).not.toMatch(/kinesis:GetRecords|kafka|dynamodb/);
    expect(grantsOf('ShopKinesis')).toContain('arn:aws:kinesis:eu-west-1:111122223333:stream/dms');
  });

  test('the subscription and the rule call their function; what IoT can’t hand over waits beside it', () => {
    template.hasResourceProperties('AWS::Logs::SubscriptionFilter', {
      LogGroupName: '/app/web',
      FilterPattern: '{ $.reader = * }',
    });
    template.hasResourceProperties('AWS::IoT::TopicRule', {
      TopicRulePayload: {
        Sql: "SELECT encode(*, 'base64') AS data, topic() AS topic, timestamp() AS timestamp, traceid() AS traceid FROM 'lamps/+/read'",
        Actions: [{ Lambda: Match.anyValue() }],
        ErrorAction: { Sqs: { QueueUrl: Match.anyValue(), UseBase64: false } },
      },
    });
    for (const Principal of ['iot.amazonaws.com', 'logs.amazonaws.com'])
      template.hasResourceProperties('AWS::Lambda::Permission', { Principal, Action: 'lambda:InvokeFunction' });
  });

  test('each of them has its alarms', () => {
    const names = Object.keys(template.findResources('AWS::CloudWatch::Alarm'));
    const of = (way: string) => names.filter((name) => name.startsWith(`Alarms${way}`)).length;
    expect(Object.fromEntries(Object.keys(WAYS).map((way) => [way, of(way)]))).toEqual(WAYS);
  });
});

/** Lag twice, errors and given up of a stream; lag once of a topic; errors and dead letters of what is called asynchronously. */
const WAYS = { ShopKinesis: 4, ShelfDynamodb: 4, CdcKafka: 3, TopicKafka: 3, WebLogs: 2, LampIot: 2 };

test('a stage that does not say where deploys none of them, and says so', async () => {
  const { stacks } = await synthesise('dev', STREAMED);
  expect(stacks.intake).toBeUndefined();
  const said = stacks.storage.node.metadata.map(({ data }) => String(data));
  expect(said.filter((text) => /no address of any of shop, shelf, cdc, topic, web, lamp/.test(text))).toHaveLength(1);
  const shop = { ...loadStage('dev'), sources: { shop: SOURCES.shop! } };
  const { intake } = (await synthesiseConfig(shop, STREAMED)).stacks;
  Template.fromStack(intake).resourceCountIs('AWS::Lambda::Function', 1);
  const missing = intake.node.metadata.map(({ data }) => String(data)).filter((text) => /no address/.test(text));
  expect(missing).toHaveLength(5);
});

test.each([
  [{ topic: 't' }, /clusterArn, or brokers/],
  [{ topic: 't', brokers: ['b'] }, /host:port/],
  [{ topic: 't', clusterArn: CLUSTER, vpc: { subnetIds: ['subnet-0a'], securityGroupId: 'sg-0c' } }, /no vpc/],
])('an address that can’t be is refused with its field: %#', async (kafka, message) => {
  const stage = { ...loadStage('prod'), sources: { topic: { kafka } } };
  await expect(synthesiseConfig(stage, STREAMED)).rejects.toThrow(message);
});
