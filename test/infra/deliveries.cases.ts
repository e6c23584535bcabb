import { describe, expect, test } from '@jest/globals';
import { awsAnswer } from '../conformance/aws.ts';
import { deadKeyStatements, deliveriesOf, refusedDeliveries } from './deliveries.ts';
import { STAGES } from './synthesised.ts';
import { statementsOf, Templates } from './templates.ts';

/** Alarms that tell somebody: the parts of a composite do not. */
const telling = (templates: Templates) =>
  ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm']
    .flatMap((type) => templates.all(type))
    .filter(({ properties }) => properties.AlarmActions !== undefined).length;

describe.each(STAGES)('what services write to topics and queues of %s', (stage) => {
  test('is allowed by the policy of the target and, where it has a key, by the key', async () => {
    const templates = await Templates.of(stage);
    const services = deliveriesOf(templates).map(({ service }) => service);
    // When it starts and when it is over.
    expect(services.filter((service) => service === 'cloudwatch.amazonaws.com')).toHaveLength(2 * telling(templates));
    for (const service of ['events.amazonaws.com', 'sns.amazonaws.com']) expect(services).toContain(service);
    expect(refusedDeliveries(templates)).toEqual([]);
    expect(deadKeyStatements(templates)).toEqual([]);
  });
});

describe('the check of deliveries', () => {
  test('finds an alarm topic that shuts CloudWatch out, with the words of the alarm history', async () => {
    const templates = await Templates.of('prod');
    const refused = refusedDeliveries(templates.broken(withoutStatement('PublishAlarms')));
    expect(refused).toHaveLength(2 * telling(templates));
    expect(refused[0]).toContain('cloudwatch.amazonaws.com');
    const words = awsAnswer<string>('cloudwatch.alarm-action-needs-topic-policy');
    expect(words).toBe('because no resource-based policy allows');
    for (const sentence of refused) expect(`because ${sentence.split(': ')[1]}`).toContain(words);
  });

  test.each([
    ['PublishAsCloudwatch', 'cloudwatch.amazonaws.com'],
    ['PublishAsSns', 'sns.amazonaws.com'],
  ])('finds a key without the statement %s', async (sid, service) => {
    const templates = await Templates.of('prod');
    const refused = refusedDeliveries(templates.broken(withoutStatement(sid)));
    // Decrypt and GenerateDataKey of each.
    expect(refused).toHaveLength(2 * deliveriesOf(templates).filter((delivery) => delivery.service === service).length);
    for (const sentence of refused) expect(sentence).toContain(`${service} to `);
  });

  test('finds a key that asks EventBridge for the account it does not name', async () => {
    expect(awsAnswer('kms.events-takes-no-source-conditions')).toBe(
      'not supported for EventBridge-to-encrypted topics',
    );
    const broken = (await Templates.of('prod')).broken(({ type, properties }) => {
      if (type !== 'AWS::KMS::Key') return;
      for (const statement of statementsOf(properties.KeyPolicy)) {
        if (JSON.stringify(statement.Principal).includes('events.amazonaws.com')) {
          Object.assign(statement, { Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } });
        }
      }
    });
    expect(deadKeyStatements(broken)).not.toEqual([]);
    const ofRules = deliveriesOf(broken).filter(({ service }) => service === 'events.amazonaws.com');
    expect(refusedDeliveries(broken)).toHaveLength(2 * ofRules.length);
  });
});

/** Takes the statement out of every policy of a topic, queue or key. */
function withoutStatement(sid: string) {
  return ({ properties }: { properties: Record<string, unknown> }) => {
    const policy = (properties.PolicyDocument ?? properties.KeyPolicy) as
      | { Statement: Array<{ Sid?: string }> }
      | undefined;
    if (policy !== undefined) policy.Statement = policy.Statement.filter(({ Sid }) => Sid !== sid);
  };
}
