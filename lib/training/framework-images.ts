import type { Framework } from '../../core/ir/document.ts';
import { ConfigError } from '../config/config-error.ts';

/**
 * Accounts of the algorithm registry by region, and of the deep learning containers where they have another than DLC
 * ("Region Availability" of https://github.com/aws/deep-learning-containers).
 */
const ALGORITHMS: Readonly<Record<string, string>> = {
  'af-south-1': '510948584623',
  'ap-east-1': '651117190479',
  'ap-northeast-1': '354813040037',
  'ap-northeast-2': '366743142698',
  'ap-northeast-3': '867004704886',
  'ap-south-1': '720646828776',
  'ap-south-2': '628508329040',
  'ap-southeast-1': '121021644041',
  'ap-southeast-2': '783357654285',
  'ap-southeast-3': '951798379941',
  'ap-southeast-4': '106583098589',
  'ca-central-1': '341280168497',
  'ca-west-1': '190319476487',
  'eu-central-1': '492215442770',
  'eu-central-2': '680994064768',
  'eu-north-1': '662702820516',
  'eu-south-1': '978288397137',
  'eu-south-2': '104374241257',
  'eu-west-1': '141502667606',
  'eu-west-2': '764974769150',
  'eu-west-3': '659782779980',
  'il-central-1': '898809789911',
  'me-central-1': '272398656194',
  'me-south-1': '801668240914',
  'sa-east-1': '737474898029',
  'us-east-1': '683313688378',
  'us-east-2': '257758044811',
  'us-west-1': '746614075791',
  'us-west-2': '246618743249',
};
const DLC = '763104351884';
const DLC_ELSEWHERE: Readonly<Record<string, string>> = {
  'af-south-1': '626614931356',
  'ap-east-1': '871362719292',
  'ap-northeast-3': '364406365360',
  'ap-south-2': '772153158452',
  'ap-southeast-3': '907027046896',
  'ap-southeast-4': '457447274322',
  'ca-west-1': '204538143572',
  'eu-central-2': '380420809688',
  'eu-south-1': '692866216735',
  'eu-south-2': '503227376785',
  'il-central-1': '780543022126',
  'me-central-1': '914824155844',
  'me-south-1': '217643126080',
};

/** Repository of the image that trains with each framework, and whose account it is in. */
const REPOSITORIES: Readonly<Record<Framework, { readonly name: string; readonly registry: 'algorithms' | 'dlc' }>> = {
  xgboost: { name: 'sagemaker-xgboost', registry: 'algorithms' },
  sklearn: { name: 'sagemaker-scikit-learn', registry: 'algorithms' },
  pytorch: { name: 'pytorch', registry: 'dlc' },
  tensorflow: { name: 'tensorflow-training', registry: 'dlc' },
};

/** Where the container of one region is. */
export interface FrameworkImage {
  readonly uri: string;
  /** For the pull permission of the roles. */
  readonly repositoryArn: string;
}

/**
 * @param tag e.g. `3.2-0`
 * @throws ConfigError when the region has no such container
 */
export function frameworkImage(framework: Framework, region: string, tag: string): FrameworkImage {
  const { name, registry } = REPOSITORIES[framework];
  const algorithms = ALGORITHMS[region];
  if (algorithms === undefined) {
    throw new ConfigError('environment.region', [
      `region: found string, a region without SageMaker's container of ${framework}; allowed: ${Object.keys(ALGORITHMS).join(', ')}`,
    ]);
  }
  const account = registry === 'dlc' ? (DLC_ELSEWHERE[region] ?? DLC) : algorithms;
  return {
    uri: `${account}.dkr.ecr.${region}.amazonaws.com/${name}:${tag}`,
    repositoryArn: `arn:aws:ecr:${region}:${account}:repository/${name}`,
  };
}

/** What serves, whatever trained: models of other frameworks than XGBoost are ONNX and bring their runtime along. */
export const SERVES: Framework = 'xgboost';
