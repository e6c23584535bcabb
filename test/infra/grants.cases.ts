import { describe, expect, test } from '@jest/globals';
import { endpoint, FAILED, grantsOf, READ_KINESIS, READ_STREAM } from './grants.ts';

describe('what each function may do, and nothing else', () => {
  test('processor: apply to states, quarantine, put misrouted records again', async () => {
    expect(await grantsOf('ProcessorFnRole')).toEqual(
      [
        ...READ_KINESIS,
        ...FAILED,
        'dynamodb:BatchGetItem on <FeaturesTable Arn>',
        'dynamodb:GetItem on <FeaturesTable Arn>',
        'dynamodb:PutItem on <FeaturesTable Arn>',
        'dynamodb:Query on <FeaturesTable Arn>',
        'dynamodb:UpdateItem on <FeaturesTable Arn>',
        'kinesis:PutRecord on <EventsStream Arn>',
        'kinesis:PutRecords on <EventsStream Arn>',
        's3:PutObject on <LakeBucket Arn>/archive/quarantine/*',
        's3:PutObject on <LakeBucket Arn>/reports/drift/*',
      ].sort(),
    );
  });

  test('archiver: ask who was erased, write the archive', async () => {
    expect(await grantsOf('ArchiverFnRole')).toEqual(
      [
        ...READ_KINESIS,
        ...FAILED,
        'dynamodb:BatchGetItem on <FeaturesTable Arn>',
        'dynamodb:GetItem on <FeaturesTable Arn>',
        'dynamodb:Query on <FeaturesTable Arn>',
        's3:PutObject on <LakeBucket Arn>/archive/events/*',
      ].sort(),
    );
  });

  test('scorer: read states, record scores, ask the one endpoint', async () => {
    expect(await grantsOf('ScorerFnRole')).toEqual([
      ...[
        ...READ_STREAM('FeaturesTable'),
        ...FAILED,
        'dynamodb:BatchGetItem on <FeaturesTable Arn>',
        'dynamodb:BatchGetItem on <ScoresTable Arn>',
        'dynamodb:ConditionCheckItem on <ScoresTable Arn>',
        'dynamodb:GetItem on <FeaturesTable Arn>',
        'dynamodb:GetItem on <ScoresTable Arn>',
        'dynamodb:PutItem on <ScoresTable Arn>',
        'dynamodb:Query on <FeaturesTable Arn>',
        'dynamodb:UpdateItem on <ScoresTable Arn>',
        's3:PutObject on <LakeBucket Arn>/archive/exposures/*',
        's3:PutObject on <LakeBucket Arn>/archive/predictions/*',
      ].sort(),
      endpoint,
    ]);
  });

  test('publisher and notifier: one topic, one secret, claim alerts', async () => {
    expect(await grantsOf('AlertingPublisherRole')).toEqual(
      [
        ...READ_STREAM('ScoresTable'),
        ...FAILED,
        's3:PutObject on <LakeBucket Arn>/archive/alerts/*',
        's3:PutObject on <LakeBucket Arn>/archive/outcomes/*',
        'sns:Publish on <AlertingTopic >',
      ].sort(),
    );
    expect(await grantsOf('AlertingNotifierRole')).toEqual([
      'dynamodb:BatchGetItem on <ScoresTable Arn>',
      'dynamodb:GetItem on <ScoresTable Arn>',
      'dynamodb:UpdateItem on <ScoresTable Arn>',
      'secretsmanager:GetSecretValue on <SlackWebhook >',
      'sqs:SendMessage on <AlertingNotifierDeadLetters Arn>',
    ]);
  });

  test('dispatcher: find who waits by the index, move alerts in transactions, read the clock', async () => {
    expect(await grantsOf('DispatcherFnRole')).toEqual([
      'dynamodb:BatchGetItem on <FeaturesTable Arn>',
      'dynamodb:BatchGetItem on <ScoresTable Arn>',
      'dynamodb:DeleteItem on <ScoresTable Arn>',
      'dynamodb:GetItem on <FeaturesTable Arn>',
      'dynamodb:GetItem on <ScoresTable Arn>',
      'dynamodb:PutItem on <ScoresTable Arn>',
      'dynamodb:Query on <ScoresTable Arn>/index/waiting',
      'dynamodb:UpdateItem on <ScoresTable Arn>',
      'sqs:SendMessage on <DispatcherFnDeadLetters Arn>',
    ]);
  });

  test('outcomes: one secret, an item beside an alert that is there, and nothing to read', async () => {
    expect(await grantsOf('OutcomesFnRole')).toEqual([
      'dynamodb:ConditionCheckItem on <ScoresTable Arn>',
      'dynamodb:PutItem on <ScoresTable Arn>',
      'secretsmanager:GetSecretValue on <SlackWebhook >',
    ]);
  });

  test('sources: put events, keep what was refused, lost and different, and the one that may also forget', async () => {
    const own = [
      'kinesis:PutRecord on <EventsStream Arn>',
      'kinesis:PutRecords on <EventsStream Arn>',
      's3:PutObject on <LakeBucket Arn>/archive/quarantine/*',
      's3:PutObject on <LakeBucket Arn>/reports/drift/*',
      's3:PutObject on <LakeBucket Arn>/sources/gaps/*',
    ];
    for (const role of ['SiteHttpFnRole', 'BillingBusFnRole', 'ShopBusFnRole', 'ShopFilesFnRole', 'EdgeFilesFnRole'])
      expect(await grantsOf(role)).toEqual(expect.arrayContaining(own));
    expect(await grantsOf('BillingBusFnRole')).toEqual([...own, 'sqs:SendMessage on <BillingBusFnDeadLetters Arn>']);
  });

  test('model gate: read models and training sets', async () => {
    expect(await grantsOf('TrainingGateRole')).toEqual([
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/models/*',
      's3:GetObject on <LakeBucket Arn>/training/*',
      's3:ListBucket on <LakeBucket Arn>',
    ]);
  });
});
