import { GetDataLakeSettingsCommand, type PrincipalPermissions } from '@aws-sdk/client-lakeformation';
import { GetBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import type { StageConfig } from '../../../lib/config/stage-config.ts';
import { messageOf } from '../../errors.ts';
import type { Clients } from '../../stage/connection.ts';
import { checked, type Finding, ok, todo } from './finding.ts';

/** What the manifests of the app's stacks ask for (`requiresBootstrapStackVersion`). */
export const BOOTSTRAP = 6;
const QUALIFIER = 'hnb659fds';

export interface Account {
  readonly id: string;
  readonly region: string;
}

/** Who asks and where: without an answer nothing else can be asked. */
export async function findAccount(
  { sts }: Pick<Clients, 'sts'>,
  { environment }: Pick<StageConfig, 'environment'>,
): Promise<{ readonly account?: Account; readonly findings: readonly Finding[] }> {
  let account: Account;
  try {
    const region = await sts.config.region();
    const { Account: id = '' } = await sts.send(new GetCallerIdentityCommand({}));
    account = { id, region };
  } catch (error) {
    const next = 'Sign in (`aws sso login`, or AWS_PROFILE) and set AWS_REGION, then run this again.';
    return { findings: [todo('Credentials', messageOf(error), next)] };
  }
  const { account: wanted = account.id, region = account.region } = environment;
  return {
    account,
    findings: [
      wanted === account.id
        ? ok('Credentials', `account ${account.id}`)
        : todo('Credentials', `account ${account.id}`, `The stage is of account ${wanted}: sign in there.`),
      region === account.region
        ? ok('Region', account.region)
        : todo('Region', account.region, `The stage is of region ${region}: set AWS_REGION=${region}.`),
    ],
  };
}

/** The bootstrap stack: its version, and whether its bucket needs a key that jobs may not use. */
export function bootstrapFindings(clients: Pick<Clients, 'ssm' | 's3'>, account: Account): Promise<Finding[]> {
  return Promise.all([
    checked('CDK bootstrap', 'ssm:GetParameter', () => bootstrapVersion(clients, account)),
    checked('Bootstrap bucket', 's3:GetEncryptionConfiguration', () => bootstrapKey(clients, account)),
  ]);
}

async function bootstrapVersion({ ssm }: Pick<Clients, 'ssm'>, { id, region }: Account): Promise<Finding> {
  const next = `Run \`npx cdk bootstrap aws://${id}/${region}\`.`;
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: `/cdk-bootstrap/${QUALIFIER}/version` }));
    const version = Number(Parameter?.Value);
    return version >= BOOTSTRAP
      ? ok('CDK bootstrap', `version ${version}`)
      : todo('CDK bootstrap', `version ${Parameter?.Value}; needed is ${BOOTSTRAP}`, next);
  } catch (error) {
    if (error instanceof Error && error.name === 'ParameterNotFound') return todo('CDK bootstrap', 'not there', next);
    throw error;
  }
}

/**
 * `cdk bootstrap --bootstrap-customer-key` makes a key that every principal of the account may use through S3. One of your
 * own (`--bootstrap-kms-key-id`) needs that statement too, or the jobs' roles can't read their code.
 */
async function bootstrapKey({ s3 }: Pick<Clients, 's3'>, { id, region }: Account): Promise<Finding> {
  const Bucket = `cdk-${QUALIFIER}-assets-${id}-${region}`;
  try {
    const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    const key = ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
    if (key === undefined || key === '' || key.endsWith('alias/aws/s3'))
      return ok('Bootstrap bucket', "S3's own encryption");
    const next =
      'Fine when cdk bootstrap made it; a key of your own must let the account use it through S3 (kms:CallerAccount and kms:ViaService), or jobs can not read their code.';
    return { subject: 'Bootstrap bucket', state: 'note', found: 'encrypted with a customer key', next };
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (name === 'ServerSideEncryptionConfigurationNotFoundError') return ok('Bootstrap bucket', "S3's own encryption");
    if (name === 'NoSuchBucket')
      return todo('Bootstrap bucket', 'not there', `Run \`npx cdk bootstrap aws://${id}/${region}\`.`);
    throw error;
  }
}

/** "Use only IAM access control": without it every catalog call of the jobs fails with Insufficient Lake Formation permission(s). */
export function lakeFormationFinding({ lakeformation }: Pick<Clients, 'lakeformation'>): Promise<Finding> {
  const subject = 'Lake Formation';
  return checked(subject, 'lakeformation:GetDataLakeSettings', async () => {
    const { DataLakeSettings } = await lakeformation.send(new GetDataLakeSettingsCommand({}));
    const [databases, tables] = [
      byIam(DataLakeSettings?.CreateDatabaseDefaultPermissions),
      byIam(DataLakeSettings?.CreateTableDefaultPermissions),
    ];
    if (databases && tables) return ok(subject, 'new databases and tables use only IAM access control');
    const which = [...(databases ? [] : ['databases']), ...(tables ? [] : ['tables'])].join(' and ');
    return todo(
      subject,
      `new ${which} do not use IAM access control`,
      'In Lake Formation, Data Catalog settings, check both "Use only IAM access control"; the jobs have no Lake Formation permissions.',
    );
  });
}

const byIam = (permissions: readonly PrincipalPermissions[] = []) =>
  permissions.some(
    ({ Principal, Permissions }) =>
      Principal?.DataLakePrincipalIdentifier === 'IAM_ALLOWED_PRINCIPALS' && Permissions?.includes('ALL'),
  );
