/** What trains a model again, and where MLflow is told of it: two stages that have all of it, synthesised once each. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { ConfigError } from '../../lib/config/config-error.ts';
import { parseStageConfig, type StageConfig } from '../../lib/config/stage-config.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { readable, type Statement } from './grants.ts';
import { QUIET, type Synthesised, synthesiseConfig } from './synthesised.ts';

const prod = loadStage('prod');
const withTraining = (stage: StageConfig, training: Partial<StageConfig['training']>): StageConfig => ({
  ...stage,
  sources: {},
  training: { ...stage.training, ...training },
});
const SCHEDULE = 'cron(0 4 ? * MON *)';
const scheduled = { ...prod.training.retrain, schedule: SCHEDULE };

/** `action on resource` of what a role may do, without what all functions may. */
function grantsOf(template: Template, role: string): string[] {
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(`"${role}`))
    .flatMap(
      ({ Properties }) => (Properties as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument.Statement,
    )
    .flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((one) => `${action} on ${readable(one)}`)),
    )
    .filter((grant) => !/^(logs|xray|kms):/.test(grant))
    .sort();
}

type States = Record<string, { Next?: string; Default?: string; Catch?: { Next: string }[]; Arguments?: State }>;
type State = Record<string, unknown>;

function statesOf(template: Template): States {
  const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
  const [, parts] = machine!.Properties.DefinitionString['Fn::Join'] as [string, unknown[]];
  return JSON.parse(parts.map((part) => (typeof part === 'string' ? part : '<token>')).join('')).States;
}

describe('a stage with a schedule and a server of its own', () => {
  let app: Synthesised;
  let template: Template;
  beforeAll(async () => {
    const mlflow = { trackingUri: 'https://mlflow.example.org/base' };
    app = await synthesiseConfig(withTraining(prod, { retrain: scheduled, mlflow }), QUIET);
    template = app.template('training');
  });

  test('starts the machine on schedule, with a role that may start it and no more', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: SCHEDULE,
      State: 'ENABLED',
      Target: Match.objectLike({
        Input: '{"by":"schedule"}',
        DeadLetterConfig: Match.anyValue(),
        RetryPolicy: { MaximumEventAgeInSeconds: 21_600, MaximumRetryAttempts: 10 },
      }),
    });
    expect(grantsOf(template, 'TrainingRetrainingScheduleRole')).toEqual([
      'sqs:SendMessage on <TrainingRetrainingUndeliveredSchedule Arn>',
      'states:StartExecution on <TrainingMachine >',
    ]);
  });

  test('warns that the slices of its model do not move', () => {
    expect(app.stacks.training.node.findAll().flatMap(({ node }) => node.metadata)).toContainEqual(
      expect.objectContaining({
        type: 'aws:cdk:warning',
        data: expect.stringContaining('training.retrain.schedule: found a model between fixed instants'),
      }),
    );
  });

  test('starts it when an alarm on drift rings, and by no other alarm', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.cloudwatch'],
        'detail-type': ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: 'prod/quiet/ModelDrift' }], state: { value: ['ALARM'] } },
      },
      Targets: [
        Match.objectLike({
          InputTransformer: {
            InputPathsMap: { 'detail-alarmName': '$.detail.alarmName' },
            InputTemplate: '{"by":"drift","alarm":<detail-alarmName>}',
          },
          DeadLetterConfig: Match.anyValue(),
        }),
      ],
    });
    const names = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
      ({ Properties }) => Properties.AlarmName as string,
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => name.startsWith('prod/quiet/ModelDrift'))).toEqual([]);
  });

  test('its function remembers the last training, and reads what was there', () => {
    expect(grantsOf(template, 'TrainingRetrainingFnRole')).toEqual([
      ...['dynamodb:GetItem', 'dynamodb:PutItem'].map((action) => `${action} on <FeaturesTable Arn>`),
      'glue:GetTable on arn:aws:glue:eu-west-1:<AWS::AccountId>:catalog',
      'glue:GetTable on arn:aws:glue:eu-west-1:<AWS::AccountId>:database/<OfflineDatabase >',
      'glue:GetTable on arn:aws:glue:eu-west-1:<AWS::AccountId>:table/<OfflineDatabase >/events',
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/iceberg/*',
      's3:GetObject on <LakeBucket Arn>/training/*',
      's3:ListBucket on <LakeBucket Arn>',
      'states:DescribeExecution on arn:aws:states:eu-west-1:<AWS::AccountId>:execution:<TrainingMachine Name>:*',
    ]);
  });

  test('nothing is built or trained before the function said so', () => {
    const states = statesOf(template);
    expect(states).toMatchObject({
      EnteredByApproval: { Default: 'Prepare' },
      Prepare: { Next: 'Admit' },
      Admit: { Next: 'AdmitDecision' },
      AdmitDecision: { Choices: [{ Next: 'TrainingSetIsThere' }], Default: 'NotTrained' },
      TrainingSetIsThere: { Choices: [{ Next: 'CheckLabels' }], Default: 'BuildTrainingSet' },
      BuildTrainingSet: { Next: 'CheckLabels' },
      CheckLabels: { Next: 'CheckLabelsDecision' },
      CheckLabelsDecision: { Choices: [{ Next: 'FindChampion' }], Default: 'NotTrained' },
      NotTrained: { Type: 'Succeed', Output: '{% $admission %}' },
    });
  });

  test('goes on without MLflow wherever it is told', () => {
    const states = statesOf(template);
    const ways = { RecordRun: 'AwaitsApproval', RecordRefusedRun: 'ModelRejected', TellServing: 'Deployed' };
    for (const [state, Next] of Object.entries(ways)) {
      expect(states[state]).toMatchObject({ Next, TimeoutSeconds: 90, Catch: [{ ErrorEquals: ['States.ALL'], Next }] });
      expect(Object.values(states).filter((one) => JSON.stringify(one).includes(`"${state}"`))).not.toEqual([]);
    }
    expect(states.RegisterModel?.Next).toBe('RecordRun');
    expect(states.GateDecision?.Default).toBe('RecordRefusedRun');
  });

  test('knows the address, and has the credentials in a secret', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({
          MLFLOW_URL: 'https://mlflow.example.org/base',
          MLFLOW_NAME: 'tidemark-prod-quiet',
          MLFLOW_APP_ARN: '',
          MLFLOW_SECRET_ARN: Match.anyValue(),
        }),
      },
    });
    expect(grantsOf(template, 'TrainingMlflowFnRole')).toEqual([
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/models/*',
      's3:ListBucket on <LakeBucket Arn>',
      expect.stringMatching(/^secretsmanager:GetSecretValue on <MlflowCredentials/),
    ]);
    template.hasOutput('MlflowTrackingUri', { Value: 'https://mlflow.example.org/base' });
    app.template('storage').hasOutput('MlflowSecretArn', {});
    app.template('storage').resourceCountIs('AWS::SageMaker::MlflowApp', 0);
  });

  test('rings for a training that MLflow did not take', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'prod/quiet/MlflowFailed',
      MetricName: 'MlflowFailed',
      TreatMissingData: 'notBreaching',
    });
  });
});

describe('a stage with an MLflow App, and nothing that trains by itself', () => {
  let app: Synthesised;
  beforeAll(async () => {
    const retrain = { ...prod.training.retrain, onDrift: false };
    app = await synthesiseConfig(withTraining(loadStage('dev'), { retrain, mlflow: { app: true } }), QUIET);
  });

  test('makes it with a role of one prefix, and without a registry of its own', () => {
    const template = app.template('storage');
    template.hasResourceProperties('AWS::SageMaker::MlflowApp', {
      Name: 'tidemark-dev-quiet',
      ModelRegistrationMode: 'AutoModelRegistrationDisabled',
    });
    expect(grantsOf(template, 'MlflowRole')).toEqual([
      's3:AbortMultipartUpload on <LakeBucket Arn>/mlflow-files/*',
      's3:DeleteObject on <LakeBucket Arn>/mlflow-files/*',
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/mlflow-files/*',
      's3:ListBucket on <LakeBucket Arn>',
      's3:PutObject on <LakeBucket Arn>/mlflow-files/*',
    ]);
  });

  test('may call its API, which is one action, and put files into its store', () => {
    const template = app.template('training');
    expect(grantsOf(template, 'TrainingMlflowFnRole')).toEqual([
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/models/*',
      's3:ListBucket on <LakeBucket Arn>',
      's3:PutObject on <LakeBucket Arn>/mlflow-files/*',
      expect.stringMatching(/^sagemaker:CallMlflowAppApi on <MlflowApp/),
    ]);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: Match.objectLike({
          MLFLOW_URL: 'https://mlflow.sagemaker.eu-west-1.app.aws',
          MLFLOW_SECRET_ARN: '',
        }),
      },
    });
  });

  test('starts by hand and by approval alone', () => {
    const template = app.template('training');
    template.resourceCountIs('AWS::Scheduler::Schedule', 0);
    expect(JSON.stringify(template.findResources('AWS::Events::Rule'))).not.toContain('CloudWatch Alarm State Change');
  });
});

describe('settings', () => {
  const parsed = (training: object, cloud: StageConfig['cloud'] = 'aws') =>
    parseStageConfig('stage.ts', { ...prod, cloud, training: { ...prod.training, ...training } });

  test.each([
    ['plain HTTP', { mlflow: { trackingUri: 'http://mlflow.example.org' } }, /an https address/],
    ['plain HTTP to this machine, in an account', { mlflow: { trackingUri: 'http://127.0.0.1:5000' } }, /https/],
    ['credentials in an address', { mlflow: { trackingUri: 'https://a:b@mlflow.example.org' } }, /without credentials/],
    ['both places', { mlflow: { trackingUri: 'https://m.example.org', app: true } }, /training\.mlflow/],
    ['a schedule in words', { retrain: { ...scheduled, schedule: 'weekly' } }, /cron\(…\) or rate\(…\)/],
  ])('%s is refused', (_, training, sentence) => {
    expect(() => parsed(training)).toThrow(ConfigError);
    expect(() => parsed(training)).toThrow(sentence);
  });

  test('plain HTTP to this machine is taken on the local cloud', () => {
    const mlflow = { trackingUri: 'http://127.0.0.1:5000' };
    expect(parsed({ mlflow }, 'local').training.mlflow).toEqual(mlflow);
  });

  test('MLflow may come with the context', () => {
    expect(loadStage('dev', 'aws', { mlflow: 'app' }).training.mlflow).toEqual({ app: true });
    expect(loadStage('prod', 'aws', { mlflow: 'https://m.example.org' }).training.mlflow).toEqual({
      trackingUri: 'https://m.example.org',
    });
    expect(() => loadStage('prod', 'aws', { mlflow: 'yes' })).toThrow(ConfigError);
    expect(loadStage('prod').training.mlflow).toBeUndefined();
  });
});
