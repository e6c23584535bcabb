import { describe, expect, test } from '@jest/globals';
import { Match } from 'aws-cdk-lib/assertions';
import { awsAnswer } from '../conformance/aws.ts';
import { grantsOf, readable, statementsOf } from './grants.ts';
import { resourcesOf, synthesise } from './synthesised.ts';

describe('what each job may do', () => {
  test.each<[string, readonly string[]]>([
    ['LandHistory', ['iceberg/', 'raw/history/']],
    [
      'CompactArchive',
      [
        'archive/alerts/',
        'archive/events/',
        'archive/exposures/',
        'archive/gaps/',
        'archive/outcomes/',
        'archive/predictions/',
        'archive/quarantine/',
        'aws/lambda/',
        'iceberg/',
      ],
    ],
    ['BackfillStates', ['iceberg/']],
    ['BuildTrainingSet', ['iceberg/', 'training/']],
    ['CheckConsistency', ['archive/predictions/', 'checks/', 'iceberg/']],
    ['FeaturesAt', ['iceberg/', 'time-travel/']],
    ['LabelsAt', ['iceberg/', 'time-travel/']],
    ['HealStates', ['archive/events/', 'iceberg/']],
    ['MaintainTables', ['iceberg/']],
    [
      'EraseEntity',
      [
        'archive/alerts/',
        'archive/events/',
        'archive/exposures/',
        'archive/outcomes/',
        'archive/predictions/',
        'archive/quarantine/',
        'aws/lambda/',
        'checks/',
        'iceberg/',
        'raw/history/',
        'time-travel/',
        'training/',
      ],
    ],
  ])('%s reads and writes its own folders', async (job, folders) => {
    const grants = await grantsOf(`Batch${job}Role`);
    const read = grants.flatMap((grant) => /^s3:GetObject on <LakeBucket Arn>\/(.*)\*$/.exec(grant)?.[1] ?? []);
    expect([...new Set(read)]).toEqual(folders);
    const tables = grants
      .filter((grant) => grant.startsWith('dynamodb:'))
      .every((grant) => grant.endsWith('<FeaturesTable Arn>'));
    expect(tables).toBe(true);
    const may = (action: string) => grants.some((grant) => grant.startsWith(`dynamodb:${action}`));
    expect(may('Put')).toBe(['BackfillStates', 'HealStates'].includes(job));
    expect(may('Query')).toBe(
      ['LandHistory', 'CompactArchive', 'BackfillStates', 'EraseEntity', 'HealStates'].includes(job),
    );
  });

  test('the analysis of experiments reads their records and the tables, and writes its reports', async () => {
    const grants = (await grantsOf('BatchAnalyseExperimentRole')).filter((grant) =>
      /LakeBucket|^dynamodb:/.test(grant),
    );
    expect(grants).toEqual([
      'dynamodb:Query on <ScoresTable Arn>',
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/iceberg/*',
      's3:ListBucket on <LakeBucket Arn>',
      's3:PutObject on <LakeBucket Arn>/reports/experiments/*',
    ]);
    const policy = [...(await resourcesOf('prod'))].find(([id]) =>
      /^training\/BatchAnalyseExperimentRoleDefaultPolicy/.test(id),
    )?.[1];
    const [query] = statementsOf(policy).filter(({ Action }) => Action === 'dynamodb:Query');
    expect(query?.Condition).toEqual({ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['#experiment'] } });
  });

  test('the backfill looks at states and shards, and writes states', async () => {
    const grants = await grantsOf('BatchBackfillStatesRole');
    expect(grants.filter((grant) => /^(dynamodb|kinesis):/.test(grant))).toEqual([
      ...['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'Scan', 'UpdateItem'].map(
        (action) => `dynamodb:${action} on <FeaturesTable Arn>`,
      ),
      'kinesis:ListShards on <EventsStream Arn>',
    ]);
    expect(grants).toContain('s3:ListBucket on <LakeBucket Arn>');
  });

  test('the healing looks at states and archive, writes states and its report', async () => {
    const grants = (await grantsOf('BatchHealStatesRole')).filter((grant) => /LakeBucket|^dynamodb:/.test(grant));
    expect(grants).toEqual([
      ...['BatchGetItem', 'GetItem', 'PutItem', 'Query', 'Scan'].map(
        (action) => `dynamodb:${action} on <FeaturesTable Arn>`,
      ),
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/archive/events/*',
      's3:GetObject on <LakeBucket Arn>/iceberg/*',
      's3:ListBucket on <LakeBucket Arn>',
      's3:PutObject on <LakeBucket Arn>/reports/healing/*',
    ]);
  });

  test('the healing runs every night', async () => {
    const template = (await synthesise('prod')).template('training');
    template.hasResourceProperties('AWS::Glue::Trigger', {
      Type: 'SCHEDULED',
      Schedule: 'cron(25 4 * * ? *)',
      StartOnCreation: true,
      Actions: [{ JobName: { Ref: Match.stringLikeRegexp('^BatchHealStates') } }],
    });
  });

  test.each([
    ['HealingDiverged', 'BatchHealStates', 'diverged'],
    ['PredictionsMismatched', 'BatchCheckConsistency', 'mismatches'],
    ['SampleRatioMismatch', 'BatchAnalyseExperiment', 'mismatches'],
  ])('%s reads the metric that its job is told to publish', async (alarm, id, word) => {
    const template = (await synthesise('prod')).template('training');
    const [job] = Object.entries(template.findResources('AWS::Glue::Job'))
      .filter(([name]) => name.startsWith(id))
      .map(([, found]) => found);
    const metrics = JSON.parse(job?.Properties.DefaultArguments['--metrics']);
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `prod/tiny/${alarm}`,
      Namespace: metrics.namespace,
      MetricName: metrics.names[word],
      Dimensions: Match.arrayEquals([
        { Name: 'service', Value: metrics.dimensions.service },
        { Name: 'stage', Value: metrics.dimensions.stage },
        { Name: 'usecase', Value: metrics.dimensions.usecase },
      ]),
    });
  });

  test('every job is told its region, and only two may publish metrics of the app', async () => {
    const template = (await synthesise('prod')).template('training');
    const jobs = Object.values(template.findResources('AWS::Glue::Job'));
    expect(jobs).toHaveLength(12);
    for (const { Properties } of jobs)
      expect(Properties.DefaultArguments['--aws_region']).toMatch(/^[a-z]{2}-[a-z]+-\d$/);
    const namespaces = (role: string) =>
      Object.entries(template.findResources('AWS::IAM::Policy'))
        .filter(([id]) => id.startsWith(role))
        .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
        .map(({ Condition }) => Condition?.StringEquals?.['cloudwatch:namespace'])
        .filter((namespace) => namespace !== undefined);
    expect(namespaces('BatchHealStatesRole')).toEqual(['Glue', 'Tidemark']);
    expect(namespaces('BatchCheckConsistencyRole')).toEqual(['Glue', 'Tidemark']);
    expect(namespaces('BatchLandHistoryRole')).toEqual(['Glue']);
  });

  test('of the bootstrap bucket a job may read exactly its files', async () => {
    const grants = await grantsOf('BatchLandHistoryRole');
    const assets = grants.filter(
      (grant) => grant.startsWith('s3:GetObject on') && grant.includes('cdk-hnb659fds-assets'),
    );
    expect(assets).toHaveLength(3);
    for (const grant of assets) expect(grant).toMatch(/\/[0-9a-f]{64}\.(py|zip|json)$/);
  });

  test('SageMaker: training reads training sets and what serves, and writes models; hosting only reads models', async () => {
    const lake = (grants: string[]) => grants.filter((grant) => grant.includes('LakeBucket Arn>/'));
    expect(lake(await grantsOf('TrainingTrainingRole'))).toEqual([
      // The model that serves is measured beside the new one.
      's3:GetObject on <LakeBucket Arn>/models/*',
      's3:GetObject on <LakeBucket Arn>/training/*',
      's3:PutObject on <LakeBucket Arn>/models/*',
    ]);
    const hosting = (await grantsOf('TrainingHostingRole')).filter((grant) => grant.startsWith('s3:GetObject '));
    // No archive of sources: the next deployment would take the grant away from a running endpoint.
    expect(hosting).toEqual(['s3:GetObject on <LakeBucket Arn>/models/*']);
  });

  test("alarms of a deployment: the state machine makes them, the model's role may look at them", async () => {
    const alarms = 'alarm:prod/tiny/Canary*';
    const of = async (role: string) =>
      (await grantsOf(role)).filter((grant) => grant.startsWith('cloudwatch:') && grant.endsWith(alarms));
    const actions = (grants: string[]) => grants.map((grant) => grant.split(' ')[0]);
    expect(actions(await of('TrainingHostingRole'))).toEqual([awsAnswer('sagemaker.rollback-alarms-role')]);
    expect(actions(await of('TrainingRole'))).toEqual([
      'cloudwatch:DeleteAlarms',
      'cloudwatch:DescribeAlarms',
      'cloudwatch:PutMetricAlarm',
    ]);
  });

  test('the state machine may do this in SageMaker, and no more', async () => {
    const grants = (await grantsOf('TrainingRole'))
      .filter((grant) => grant.startsWith('sagemaker:'))
      .map((grant) => grant.replace(/arn:aws:sagemaker:\S+?:(?=[a-z-]+\/)/, ''));
    const on = (resource: string, ...actions: string[]) =>
      actions.map((action) => `sagemaker:${action} on ${resource}`);
    const made: Record<string, string> = {
      model: 'model/tidemark-prod-tiny-*',
      'model-package': 'model-package/tidemark-prod-tiny/*',
    };
    expect(grants.filter((grant) => !/ModelPackage on/.test(grant))).toEqual(
      [
        // A model of a package is granted on both, right under either reading of the authorisation reference.
        ...awsAnswer<string[]>('sagemaker.create-model-of-package').flatMap((kind) => on(made[kind]!, 'CreateModel')),
        ...on('*', 'ListEndpointConfigs', 'ListModels'),
        ...on('endpoint/tidemark-prod-tiny', 'CreateEndpoint', 'DeleteEndpoint', 'DescribeEndpoint', 'UpdateEndpoint'),
        ...on('endpoint-config/tidemark-prod-tiny-*', 'CreateEndpoint', 'UpdateEndpoint'),
        ...on('model/tidemark-prod-tiny-*', 'DeleteModel', 'DescribeModel'),
        ...['Create', 'Delete', 'Describe'].flatMap((verb) =>
          on('endpoint-config/tidemark-prod-tiny-*', `${verb}EndpointConfig`),
        ),
        ...on(
          'training-job/tidemark-prod-tiny-*',
          'AddTags',
          awsAnswer<string>('step-functions.training-sync-needs-tags').split(':')[1]!,
        ),
        ...on('training-job/tidemark-prod-tiny-*', 'CreateTrainingJob', 'DescribeTrainingJob', 'StopTrainingJob'),
      ].sort(),
    );
    // On the group, and on its versions.
    expect(grants.filter((grant) => /:(Create|Describe)ModelPackage on/.test(grant))).toHaveLength(4);
  });

  test('of the lake the state machine may look at the archives of models and write what serves, and no more', async () => {
    const lake = (await grantsOf('TrainingRole')).filter((grant) => grant.includes('LakeBucket'));
    expect(lake).toEqual([
      // The trainer is told what serves, which on the first day is nothing.
      's3:GetBucketLocation on <LakeBucket Arn>',
      's3:GetObject on <LakeBucket Arn>/models/*',
      's3:GetObject on <LakeBucket Arn>/serving/*',
      's3:ListBucket on <LakeBucket Arn>',
      's3:PutObject on <LakeBucket Arn>/serving/*',
    ]);
  });

  test('only a changed approval deploys a model, and any change where the event does not say what has changed', async () => {
    const field = awsAnswer<string>('sagemaker.package-event-names-changed-fields');
    (await synthesise('prod')).template('training').hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.sagemaker'],
        detail: {
          ModelApprovalStatus: ['Approved'],
          $or: [{ [field]: ['ModelApprovalStatus'] }, { [field]: [{ exists: false }] }],
        },
      },
    });
  });

  test('the state machine passes its two roles to SageMaker only', async () => {
    const machine = [...(await resourcesOf('prod'))].find(([id]) =>
      /^training\/TrainingRoleDefaultPolicy/.test(id),
    )?.[1];
    const pass = statementsOf(machine).filter(({ Action }) => [Action].flat().includes('iam:PassRole'));
    expect(pass).toHaveLength(1);
    expect(pass[0]?.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } });
    expect([pass[0]?.Resource].flat().map(readable)).toEqual([
      '<TrainingHostingRole Arn>',
      '<TrainingTrainingRole Arn>',
    ]);
  });
});

test('every route of the API wants a signature, and the stage has limits and an access log', async () => {
  const template = (await synthesise('prod')).template('realtime');
  // Slack signs by a secret of its own, which the function compares: API Gateway can't.
  expect(
    Object.values(template.findResources('AWS::ApiGatewayV2::Route'))
      .map(({ Properties }) => [Properties.RouteKey, Properties.AuthorizationType])
      .sort(),
  ).toEqual([
    ['POST /v1/features', 'AWS_IAM'],
    ['POST /v1/outcomes/slack', 'NONE'],
    ['POST /v1/score', 'AWS_IAM'],
  ]);
  template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
    DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
  });
  expect(JSON.stringify(template.findResources('AWS::ApiGatewayV2::Stage'))).not.toMatch(
    /\$context\.(body|request\.body)/,
  );
});
