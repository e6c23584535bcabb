import type { TrainingDefinitionProps } from './definition-props.ts';
import { packageRecord } from './making-definition.ts';
import { RETRY_S3, RETRY_TRANSIENT, SDK, type State } from './states.ts';

/** What serves is written where everybody finds it: `serving/<use case>.json` in the lake. */
export function servingRecordStates(props: TrainingDefinitionProps, next: string): Record<string, State> {
  const { modelName, serving } = props;
  const describe = (arn: string, packages: string, Next: string) => ({
    Type: 'Task',
    Resource: `${SDK}:describeModelPackage`,
    Arguments: { ModelPackageName: arn },
    Assign: { packages },
    Retry: RETRY_TRANSIENT,
    Next,
  });
  const record = packageRecord(modelName);
  return {
    DescribeChampion: describe('{% $champion_package %}', `{% {'champion': ${record}} %}`, 'ChallengerServes'),
    ChallengerServes: {
      Type: 'Choice',
      Choices: [{ Condition: "{% $challenger_package != '' %}", Next: 'DescribeChallenger' }],
      Default: 'RecordServing',
    },
    DescribeChallenger: describe(
      '{% $challenger_package %}',
      `{% $merge([$packages, {'challenger': ${record}}]) %}`,
      'RecordServing',
    ),
    RecordServing: {
      Type: 'Task',
      Resource: 'arn:aws:states:::aws-sdk:s3:putObject',
      Arguments: {
        Bucket: serving.bucket,
        Key: serving.key,
        ContentType: 'application/json',
        Body: { packages: '{% $packages %}', deployed_at: '{% $states.context.State.EnteredTime %}' },
      },
      Retry: RETRY_S3,
      Next: next,
    },
  };
}
