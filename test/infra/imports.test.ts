/** Jobs that import tables of others: what they may read, how they start and when they ring. One stage, synthesised once. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import type { SourceIR } from '../../core/ir/document.ts';
import { loadStage } from '../../lib/config/stages.ts';
import { addressOf } from '../../lib/intake/address.ts';
import { jdbcAddress, tableAddress } from '../../lib/intake/addresses.ts';
import { importJobOutput } from '../../names/outputs.ts';
import { declaredArguments, givenArguments } from './job-arguments.ts';
import { synthesiseConfig } from './synthesised.ts';

const IMPORTED = path.join(fileURLToPath(new URL('../..', import.meta.url)), 'test/fixtures/usecases/imported');
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:ledger-AbCdEf';
const SCHEDULE = 'cron(20 * * * ? *)';
const table = {
  schedule: SCHEDULE,
  silentHours: 24,
  database: 'lakehouse',
  table: 'reads',
  location: 's3://theirs/reads/',
};
const jdbc = {
  schedule: SCHEDULE,
  url: 'jdbc:postgresql://ledger.internal:5432/shop',
  table: 'public.reads',
  secret: SECRET,
  network: {
    subnet: 'subnet-0123456789abcdef0',
    availabilityZone: 'eu-west-1a',
    securityGroups: ['sg-0123456789abcdef0'],
  },
};
const stage = { ...loadStage('prod'), sources: { warehouse: { table }, ledger: { jdbc } } };

describe('imports', () => {
  let template: Template;

  beforeAll(async () => {
    template = (await synthesiseConfig(stage, IMPORTED)).template('intake');
  });

  test('a job each, told of its own table, started by its schedule', () => {
    template.resourceCountIs('AWS::Glue::Job', 2);
    template.hasResourceProperties('AWS::Glue::Job', {
      DefaultArguments: Match.objectLike({
        '--source': 'warehouse',
        '--source_database': 'lakehouse',
        '--source_table': 'reads',
      }),
    });
    template.hasResourceProperties('AWS::Glue::Job', {
      DefaultArguments: Match.objectLike({
        '--url': jdbc.url,
        '--login_arn': SECRET,
        '--source_table': 'public.reads',
      }),
      Connections: { Connections: [Match.anyValue()] },
    });
    template.resourcePropertiesCountIs('AWS::Glue::Trigger', { Schedule: SCHEDULE, Type: 'SCHEDULED' }, 2);
    for (const key of [importJobOutput('warehouse', 'table'), importJobOutput('ledger', 'jdbc')])
      template.hasOutput(key, {});
  });

  test('each is given its arguments, and no other', () => {
    const jobs = Object.entries(template.findResources('AWS::Glue::Job')).map(([id, { Properties }]) => [
      id.startsWith('Warehouse') ? 'table' : 'jdbc',
      givenArguments(Properties as Record<string, unknown>),
    ]);
    expect(Object.fromEntries(jobs)).toEqual({
      table: declaredArguments('importTable', 'prod'),
      jdbc: declaredArguments('importJdbc', 'prod'),
    });
  });

  test('its role reads the one table, and its files', () => {
    const said = statementsOf(template);
    const s3 = said.filter(({ Resource }) => JSON.stringify(Resource).includes('theirs'));
    expect(s3.map(({ Action, Resource, Condition }) => [Action, JSON.stringify(Resource), Condition])).toEqual([
      ['s3:GetObject', expect.stringMatching(/:s3:::theirs\/reads\/\*"/), undefined],
      ['s3:ListBucket', expect.stringMatching(/:s3:::theirs"/), { StringLike: { 's3:prefix': 'reads/*' } }],
    ]);
    const glue = said.filter(({ Resource }) => JSON.stringify(Resource).includes('lakehouse'));
    expect(glue.map(({ Action }) => Action)).toEqual([['glue:GetDatabase', 'glue:GetTable']]);
    expect(JSON.stringify(glue)).toMatch(/table\/lakehouse\/reads"/);
    const secret = said.filter(({ Action }) => Action === 'secretsmanager:GetSecretValue');
    expect(secret.map(({ Resource }) => Resource)).toEqual([SECRET]);
  });

  test('its role moves marks, and touches no state', () => {
    const writes = statementsOf(template).filter(({ Action }) => JSON.stringify(Action).includes('dynamodb:PutItem'));
    expect(writes).toHaveLength(2);
    for (const { Condition } of writes)
      expect(Condition).toEqual({ 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['#import'] } });
  });

  test('it rings for a gap, for silence where the stage says how long, and for a run that failed', () => {
    const names = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) =>
      (Properties as { AlarmName: string }).AlarmName.split('/').at(-1),
    );
    expect(names).toEqual(expect.arrayContaining(['WarehouseTableGap', 'WarehouseTableSilent', 'LedgerJdbcGap']));
    expect(names).not.toContain('LedgerJdbcSilent');
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        detail: { jobName: [Match.anyValue(), Match.anyValue()], state: ['FAILED', 'TIMEOUT', 'ERROR'] },
      },
    });
  });
});

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const statementsOf = (template: Template): Statement[] =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => (Properties as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument.Statement,
  );

describe('addresses', () => {
  const of = (name: string) => ({ name }) as SourceIR;

  test('a way without one is none', () => {
    expect(addressOf(new Stack(), stage, of('warehouse'), 'jdbc', jdbcAddress)).toBeNull();
    expect(addressOf(new Stack(), stage, of('nobody'), 'table', tableAddress)).toBeNull();
  });

  test('what is wrong is named with its place', () => {
    const wrong = (way: object) => ({ ...stage, sources: { warehouse: { table: { ...table, ...way } } } });
    for (const way of [{ location: 's3://theirs' }, { schedule: 'hourly' }, { silentHours: 0 }, { password: 'x' }])
      expect(() => addressOf(new Stack(), wrong(way), of('warehouse'), 'table', tableAddress)).toThrow(
        /sources\.warehouse\.table/,
      );
  });
});
