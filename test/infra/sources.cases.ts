import { describe, expect, test } from '@jest/globals';
import { METRIC, SERVICE } from '../../names/metrics.ts';
import { intakeFunction } from '../../names/redrive.ts';
import { type Resource, resourcesOf } from './synthesised.ts';

/** By `<stack>/<logical id>`, of a type. */
async function ofType(type: string): Promise<[string, Resource['Properties']][]> {
  return [...(await resourcesOf('prod'))]
    .filter(([, { Type }]) => Type === type)
    .map(([id, { Properties }]) => [id, Properties]);
}

test('every function of a source is found by its variables, as tidemark quarantine redrive looks for it', async () => {
  const own = (await ofType('AWS::Lambda::Function')).filter(([id]) => id.startsWith('intake/'));
  const found = own.map(([, { Environment }]) => {
    const { Variables } = Environment as { Variables: Record<string, unknown> };
    return intakeFunction(Variables);
  });
  expect(found.sort()).toEqual(['billing bus', 'edge files', 'shop bus', 'shop files', 'site http']);
});

test('the drift of all sources rings', async () => {
  const alarms = (await ofType('AWS::CloudWatch::Alarm')).map(([, properties]) => properties);
  const services = alarms
    .filter(({ MetricName }) => MetricName === METRIC.driftFields)
    .map(
      ({ Dimensions }) =>
        (Dimensions as { Name: string; Value: string }[]).find(({ Name }) => Name === 'service')?.Value,
    );
  expect(services.sort()).toEqual([SERVICE.intakeEvent, SERVICE.intakeFiles, SERVICE.intakeHttp, SERVICE.processor]);
});

describe('a source that comes over a bus', () => {
  test('is tried for a day, and what fails waits in the queue of its function', async () => {
    const rules = (await ofType('AWS::Events::Rule')).filter(([id]) => /^intake\/(Billing|Shop)BusRule/.test(id));
    const functions = await ofType('AWS::Lambda::Function');
    expect(rules).toHaveLength(2);
    for (const [, { Targets }] of rules) {
      const [target] = Targets as [Record<string, unknown>];
      const [id] = (target!.Arn as { 'Fn::GetAtt': [string, string] })['Fn::GetAtt'];
      const own = functions.find(([name]) => name === `intake/${id}`)![1].DeadLetterConfig as { TargetArn: unknown };
      expect(target).toMatchObject({
        // "By default, EventBridge retries sending the event for 24 hours and up to 185 times"
        // (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html).
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
        DeadLetterConfig: { Arn: own.TargetArn },
      });
    }
  });

  test('of a partner has a bus of the name of its event source', async () => {
    const [[, bus]] = (await ofType('AWS::Events::EventBus')) as [[string, Record<string, unknown>]];
    expect(bus).toMatchObject({ Name: bus!.EventSourceName, EventSourceName: 'aws.partner/stripe.com/ed_test_1' });
  });
});

describe('a source that comes as files', () => {
  // "Set the source queue's visibility timeout to at least six times the configuration timeout on your function", "set the
  // maxReceiveCount on the source queue's redrive policy to at least 5"
  // (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html).
  test('has a queue that leaves its function time, and takes what failed five times away', async () => {
    const queues = (await ofType('AWS::SQS::Queue')).filter(([id]) => /^storage\/Landing\w+Queue/.test(id));
    const functions = (await ofType('AWS::Lambda::Function')).filter(([id]) => /^intake\/\w+Files/.test(id));
    expect([queues.length, functions.length]).toEqual([2, 2]);
    const longest = Math.max(...functions.map(([, { Timeout }]) => Timeout as number));
    for (const [, { VisibilityTimeout, RedrivePolicy }] of queues) {
      expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * longest);
      expect((RedrivePolicy as { maxReceiveCount: number }).maxReceiveCount).toBeGreaterThanOrEqual(5);
    }
  });

  test('is told of each file by itself, and only of its own folder', async () => {
    const mappings = (await ofType('AWS::Lambda::EventSourceMapping')).filter(([id]) => /^intake\/\w+Files/.test(id));
    expect(mappings).toHaveLength(2);
    for (const [, mapping] of mappings) expect(mapping.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
    const [[, bucket]] = (await ofType('AWS::S3::Bucket')).filter(([id]) => id.startsWith('storage/LandingBucket')) as [
      [string, Record<string, unknown>],
    ];
    expect(JSON.stringify(bucket!.NotificationConfiguration)).toMatch(/landing\/shop\/.*landing\/edge\//);
  });
});
