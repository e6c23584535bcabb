/** What comes by HTTP, from a use case with a source of each provider. */
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readable, statementsOf } from './grants.ts';
import { type Resource, type Synthesised, synthesise } from './synthesised.ts';

const DOORS = path.resolve('test/fixtures/usecases/doors');

const ofType = (app: Synthesised, type: string): Resource[] =>
  Object.values(app.template('intake').toJSON().Resources as Record<string, Resource>).filter(
    ({ Type }) => Type === type,
  );

describe('HTTP sources in prod', () => {
  test('have a route each, and those that a provider or a page asks before', async () => {
    const routes = ofType(await synthesise('prod', DOORS), 'AWS::ApiGatewayV2::Route');
    expect(routes.map(({ Properties }) => Properties.RouteKey).sort()).toEqual(
      [
        ...['GET /v1/in/x', 'GET /v1/in/x_old', 'OPTIONS /v1/in/web', 'POST /v1/in/crm/{key}'],
        ...['billing', 'x', 'x_old', 'web', 'warehouse', 'logs', 'orders'].map((name) => `POST /v1/in/${name}`),
      ].sort(),
    );
  });

  test('log no path and no query, which may hold a key', async () => {
    const [stage] = ofType(await synthesise('prod', DOORS), 'AWS::ApiGatewayV2::Stage');
    const { Format } = stage!.Properties.AccessLogSettings as { Format: string };
    expect(Format).toContain('$context.routeKey');
    expect(Format).not.toMatch(/context\.(path|resourcePath|requestOverride|identity|authorizer)|querystring|body/i);
    expect(stage!.Properties.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 });
  });

  test('have a function each, which may put, keep what is refused, and read its own keys', async () => {
    const app = await synthesise('prod', DOORS);
    const grants = ofType(app, 'AWS::IAM::Policy').map((policy) =>
      statementsOf(policy)
        .flatMap(({ Action, Resource }) =>
          [Action]
            .flat()
            .flatMap((action) => [Resource].flat().map((resource) => `${action} on ${readable(resource)}`)),
        )
        .filter((grant) => !/^(logs|xray|kms|dynamodb):/.test(grant)),
    );
    expect(grants.length).toBe(8);
    const secrets = new Set<string>();
    for (const all of grants) {
      const own = all.filter((grant) => grant.startsWith('secretsmanager:'));
      expect(own).toEqual([expect.stringMatching(/^secretsmanager:GetSecretValue on <\w+Keys/)]);
      secrets.add(own[0]!);
      const puts = all.filter((grant) => grant.startsWith('s3:')).map((grant) => grant.replace(/^.*>/, ''));
      const forgets = puts.includes('/tombstones/*');
      const kept = ['/archive/quarantine/*', '/reports/drift/*', '/sources/gaps/*'];
      expect(puts.sort()).toEqual([...kept, ...(forgets ? ['/tombstones/*'] : [])]);
      const rest = all.filter((grant) => !/^(s3|secretsmanager):/.test(grant)).map((grant) => grant.split(' ')[0]);
      expect(rest.sort()).toEqual(['kinesis:PutRecord', 'kinesis:PutRecords']);
    }
    expect(secrets.size).toBe(8);
    const functions = ofType(app, 'AWS::Lambda::Function');
    expect(functions.map(({ Properties }) => Properties.ReservedConcurrentExecutions)).toEqual(Array(8).fill(20));
  });

  test('are watched: what is not answered, turned away, refused, too much, and silence', async () => {
    const names = ofType(await synthesise('prod', DOORS), 'AWS::CloudWatch::Alarm').map(({ Properties }) =>
      String(Properties.AlarmName),
    );
    expect(names.filter((name) => name.startsWith('prod/doors/XOld')).sort()).toEqual(
      ['Errors', 'Refused', 'Silent', 'Throttled', 'TurnedAway', 'Unanswered'].map(
        (name) => `prod/doors/XOldHttp${name}`,
      ),
    );
    expect(names.length).toBe(8 * 6 + 1);
  });

  test('are found by the command line with their secrets', async () => {
    const app = await synthesise('prod', DOORS);
    const { Value } = app.template('storage').toJSON().Outputs.SourceSecrets as {
      Value: { 'Fn::Join': [string, unknown[]] };
    };
    const text = Value['Fn::Join'][1].map((part) => (typeof part === 'string' ? part : 'arn')).join('');
    expect(Object.keys(JSON.parse(text) as object).sort()).toEqual([
      'billing',
      'crm',
      'logs',
      'orders',
      'warehouse',
      'web',
      'x',
      'x_old',
    ]);
  });
});
