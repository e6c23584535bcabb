/** What the stacks of a deployment say of themselves, and how they are called. */

/** Outputs of the stacks, by the word for it in our code. Each is unique among all stacks of a deployment. */
export const OUTPUT = {
  stream: 'StreamName',
  featuresTable: 'FeaturesTableName',
  scoresTable: 'ScoresTableName',
  lakeBucket: 'LakeBucketName',
  database: 'GlueDatabaseName',
  landHistoryJob: 'LandHistoryJobName',
  compactArchiveJob: 'CompactArchiveJobName',
  backfillStatesJob: 'BackfillStatesJobName',
  buildTrainingSetJob: 'BuildTrainingSetJobName',
  analyseExperimentJob: 'AnalyseExperimentJobName',
  eraseEntityJob: 'EraseEntityJobName',
  featuresAtJob: 'FeaturesAtJobName',
  labelsAtJob: 'LabelsAtJobName',
  healStatesJob: 'HealStatesJobName',
  applyRetentionJob: 'ApplyRetentionJobName',
  checkConsistencyJob: 'CheckConsistencyJobName',
  maintainTablesJob: 'MaintainTablesJobName',
  trainingStateMachine: 'TrainingStateMachineArn',
  modelPackageGroup: 'ModelPackageGroupName',
  endpoint: 'EndpointName',
  mlflowTrackingUri: 'MlflowTrackingUri',
  mlflowSecret: 'MlflowSecretArn',
  api: 'ApiUrl',
  processorFunction: 'ProcessorFunctionName',
  scorerFunction: 'ScorerFunctionName',
  sweepFunction: 'SweepFunctionName',
  dispatcherFunction: 'DispatcherFunctionName',
  outcomesUrl: 'OutcomesUrl',
  intakeUrl: 'IntakeUrl',
  landingBucket: 'LandingBucketName',
  sourceSecrets: 'SourceSecrets',
  alertTopic: 'AlertTopicArn',
  alarmTopic: 'AlarmTopicArn',
  slackSecret: 'SlackSecretArn',
  useCase: 'UseCaseUri',
  dashboard: 'DashboardName',
} as const;

export type OutputName = keyof typeof OUTPUT;

/** Output that holds the name of the job by which a table of a source is imported: `import_orders_table` as CloudFormation takes it. */
export const importJobOutput = (source: string, carriage: 'table' | 'jdbc'): string =>
  `Import${source.replaceAll('_', 'U')}${carriage === 'table' ? 'Table' : 'Jdbc'}JobName`;
