import { describe, expect, test } from '@jest/globals';
import { Match } from 'aws-cdk-lib/assertions';
import { loadStage } from '../../lib/config/stages.ts';
import { type Resource, resourcesOf, STAGES, synthesise, synthesiseConfig } from './synthesised.ts';

const MAPPING = 'AWS::Lambda::EventSourceMapping';

/** All event source mappings of streams by the start of their function's logical id. */
async function mappings(stage: (typeof STAGES)[number]): Promise<Map<string, Record<string, unknown>>> {
  const found = [...(await resourcesOf(stage)).values()].filter(
    ({ Type, Properties }) => Type === MAPPING && Properties.StartingPosition !== undefined,
  );
  return new Map(
    found.map(({ Properties }) => {
      const id = (Properties.FunctionName as { Ref: string }).Ref;
      return [id.replace(/^Alerting/, '').replace(/(Fn)?Function.*$/, ''), Properties];
    }),
  );
}

describe.each(STAGES)('event source mappings of %s', (stage) => {
  test('are these four, each of them finite and with a place for what fails', async () => {
    const found = await mappings(stage);
    expect([...found.keys()].sort()).toEqual(['Archiver', 'Processor', 'Publisher', 'Scorer']);
    const configs = loadStage(stage);
    for (const name of ['archiver', 'processor', 'publisher', 'scorer'] as const) {
      const config = configs[name];
      expect(found.get(name.charAt(0).toUpperCase() + name.slice(1))).toMatchObject({
        StartingPosition: 'TRIM_HORIZON',
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        BatchSize: config.batchSize,
        MaximumBatchingWindowInSeconds: config.batchingWindowSeconds,
        MaximumRetryAttempts: config.retryAttempts,
        MaximumRecordAgeInSeconds: config.maxRecordAgeSeconds,
        ParallelizationFactor: config.parallelizationFactor,
        MetricsConfig: { Metrics: ['EventCount'] },
      });
    }
    for (const [, { DestinationConfig }] of found) expect(JSON.stringify(DestinationConfig)).toMatch(/LakeBucket/);
  });

  test('the scorer sees state items only, the publisher ends of alerts and what is said of them', async () => {
    const found = await mappings(stage);
    const patternsOf = (name: string) => {
      const criteria = found.get(name)?.FilterCriteria as { Filters: Array<{ Pattern: string }> } | undefined;
      return criteria?.Filters.map(({ Pattern }) => JSON.parse(Pattern));
    };
    expect(patternsOf('Scorer')).toEqual([
      { eventName: ['INSERT', 'MODIFY'], dynamodb: { NewImage: { state: { B: [{ exists: true }] } } } },
    ]);
    expect(patternsOf('Publisher')).toEqual([
      {
        eventName: ['INSERT'],
        dynamodb: { Keys: { kind: { S: [{ prefix: 'alert#' }, { prefix: 'suppressed#' }, { prefix: 'outcome#' }] } } },
      },
    ]);
  });
});

describe('data at rest', () => {
  test.each(STAGES)('%s: tables recover to the second, stream new images, and are paid by request', async (stage) => {
    const template = (await synthesise(stage)).template('storage');
    template.resourceCountIs('AWS::DynamoDB::GlobalTable', 2);
    template.allResourcesProperties('AWS::DynamoDB::GlobalTable', {
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      Replicas: [
        Match.objectLike({
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          DeletionProtectionEnabled: stage === 'prod',
        }),
      ],
    });
  });

  test('prod: one key of ours for tables, stream, lake, topics, queues and secret', async () => {
    const resources = [...(await resourcesOf('prod')).values()];
    const encrypted: Record<string, (properties: Resource['Properties']) => unknown> = {
      'AWS::DynamoDB::GlobalTable': ({ Replicas }) => JSON.stringify(Replicas),
      'AWS::Kinesis::Stream': ({ StreamEncryption }) => JSON.stringify(StreamEncryption),
      'AWS::SNS::Topic': ({ KmsMasterKeyId }) => JSON.stringify(KmsMasterKeyId),
      'AWS::SQS::Queue': ({ KmsMasterKeyId }) => JSON.stringify(KmsMasterKeyId),
      'AWS::SecretsManager::Secret': ({ KmsKeyId }) => JSON.stringify(KmsKeyId),
    };
    for (const { Type, Properties } of resources) {
      const key = encrypted[Type]?.(Properties);
      if (Type in encrypted) expect([Type, key]).toEqual([Type, expect.stringContaining('DataKey')]);
    }
    expect(resources.filter(({ Type }) => Type === 'AWS::KMS::Key')).toHaveLength(1);
    (await synthesise('prod')).template('storage').hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  test.each(STAGES)('%s: buckets, queues and topics take TLS only, and no bucket is public', async (stage) => {
    const resources = [...(await resourcesOf(stage)).values()];
    const policies = resources.filter(({ Type }) =>
      ['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'].includes(Type),
    );
    const owned = resources.filter(({ Type }) =>
      ['AWS::S3::Bucket', 'AWS::SQS::Queue', 'AWS::SNS::Topic'].includes(Type),
    );
    expect(policies).toHaveLength(owned.length);
    for (const { Properties } of policies) {
      expect(JSON.stringify(Properties.PolicyDocument)).toContain('{"Bool":{"aws:SecureTransport":"false"}}');
    }
    (await synthesise(stage)).template('storage').allResourcesProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
  });

  test('prod keeps its data, dev and local let it go with the stack', async () => {
    const data = [
      'AWS::DynamoDB::GlobalTable',
      'AWS::Glue::Database',
      'AWS::KMS::Key',
      'AWS::Kinesis::Stream',
      'AWS::S3::Bucket',
      'AWS::SageMaker::ModelPackageGroup',
      'AWS::SecretsManager::Secret',
    ];
    for (const stage of STAGES) {
      for (const [id, { Type, DeletionPolicy }] of await resourcesOf(stage)) {
        // A failed creation takes back what it made: it is empty, and a fixed name would stand in the way of the next try.
        expect([id, DeletionPolicy]).not.toEqual([id, 'Retain']);
        if (data.includes(Type))
          expect([id, DeletionPolicy]).toEqual([id, stage === 'prod' ? 'RetainExceptOnCreate' : 'Delete']);
      }
    }
  });

  test('only the stateful stack of prod cannot be deleted', async () => {
    const { stacks } = await synthesise('prod');
    expect(Object.entries(stacks).map(([name, { terminationProtection }]) => [name, terminationProtection])).toEqual([
      ['storage', true],
      ['training', false],
      ['realtime', false],
      ['intake', false],
      ['monitoring', false],
    ]);
    expect((await synthesise('dev')).stacks.storage.terminationProtection).toBe(false);
  });
});

test.each(STAGES)('%s: every log group has an end', async (stage) => {
  const groups = [...(await resourcesOf(stage)).values()].filter(({ Type }) => Type === 'AWS::Logs::LogGroup');
  expect(groups.length).toBeGreaterThan(10);
  for (const { Properties } of groups) expect(Properties.RetentionInDays).toBe(loadStage(stage).logRetentionDays);
});

test.each(STAGES)(
  '%s: every function is pinned, traced, logs JSON to its own group and knows its stage',
  async (stage) => {
    const functions = [...(await resourcesOf(stage)).values()].filter(({ Type }) => Type === 'AWS::Lambda::Function');
    expect(functions.length).toBeGreaterThan(8);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: expect.any(String) } },
        Environment: {
          Variables: {
            TIDEMARK_STAGE: stage,
            TIDEMARK_USE_CASE: 'tiny',
            TIDEMARK_CLOCK: stage === 'local' ? 'replay' : 'wall',
            POWERTOOLS_SERVICE_NAME: expect.stringMatching(/^[a-z-]+$/),
          },
        },
      });
    }
  },
);

test('names are generated, but for what SageMaker and CloudWatch cannot name themselves', async () => {
  const physical = [
    'TableName',
    'BucketName',
    'FunctionName',
    'RoleName',
    'QueueName',
    'TopicName',
    'StateMachineName',
    'LogGroupName',
    'DashboardName',
  ];
  for (const [id, { Type, Properties }] of await resourcesOf('prod')) {
    if (['AWS::Lambda::Permission', MAPPING].includes(Type)) continue;
    for (const name of physical) {
      // Log delivery wants a prefix of its own; the rest of the name is generated with the stack.
      if (name === 'LogGroupName' && JSON.stringify(Properties?.[name] ?? '').includes('AWS::StackId')) continue;
      expect([id, name, Properties?.[name]]).toEqual([id, name, undefined]);
    }
  }
});

test('a Slack channel and e-mail addresses are only configuration', async () => {
  const prod = loadStage('prod');
  const alarms = {
    ...prod.alarms,
    emails: ['on-call@example.org'],
    slackChannel: { workspaceId: 'T0123', channelId: 'C0123' },
  };
  const synthesised = await synthesiseConfig({ ...prod, alarms });
  synthesised
    .template('realtime')
    .hasResourceProperties('AWS::Chatbot::SlackChannelConfiguration', { SlackChannelId: 'C0123' });
  synthesised
    .template('storage')
    .hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'on-call@example.org' });
});
