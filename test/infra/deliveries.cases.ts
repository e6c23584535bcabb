import { describe, expect, test } from '@jest/globals';
import { awsAnswer } from '../conformance/aws.ts';
import { deadKeyStatements, deliveriesOf, refusedDeliveries } from './deliveries.ts';
import { STAGES } from './synthesised.ts';
import { statementsOf, Templates } from './templates.ts';

/** How many writes a stage's alarms (ALARM and OK), rules and subscriptions have; written down so that none is overlooked. */
const COUNT = { local: 111, dev: 113, prod: 116 };

describe.each(STAGES)('what services write to topics and queues of %s', (stage) => {
  test('is allowed by the policy of the target and, where it has a key, by the key', async () => {
    const templates = await Templates.of(stage);
    expect(deliveriesOf(templates)).toHaveLength(COUNT[stage]);
    expect(refusedDeliveries(templates)).toEqual([]);
    expect(deadKeyStatements(templates)).toEqual([]);
  }, 60_000);
});

describe('the check of deliveries', () => {
  test('finds an alarm topic that shuts CloudWatch out, with the words of the alarm history', async () => {
    const refused = refusedDeliveries((await Templates.of('prod')).broken(withoutStatement('PublishAlarms')));
    expect(refused).toHaveLength(112);
    expect(refused[0]).toContain('cloudwatch.amazonaws.com');
    const words = awsAnswer<string>('cloudwatch.alarm-action-needs-topic-policy');
    expect(words).toBe('because no resource-based policy allows');
    for (const sentence of refused) expect(`because ${sentence.split(': ')[1]}`).toContain(words);
  }, 60_000);

  test.each([
    ['PublishAsCloudwatch', 'cloudwatch.amazonaws.com', 112],
    ['PublishAsSns', 'sns.amazonaws.com', 1],
  ])('finds a key without the statement %s', async (sid, service, count) => {
    const refused = refusedDeliveries((await Templates.of('prod')).broken(withoutStatement(sid)));
    expect(refused).toHaveLength(2 * count);
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
    // The rule's topic, and the dead letters of both rules; two actions each.
    expect(refusedDeliveries(broken)).toHaveLength(6);
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
