import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { keyIn } from '../../cli/commands/source/keys.ts';
import { sourceLines } from '../../cli/commands/source/list.ts';
import { run } from '../../cli/main.ts';
import { apiAddress } from '../../cli/stage/api-address.ts';
import doors from '../fixtures/usecases/doors/index.ts';

const FOLDER = './test/fixtures/usecases/doors';
const URL = 'https://a1.execute-api.eu-west-1.amazonaws.com/';
const ARNS = Object.fromEntries(doors.sources!.map(({ name }) => [name, `arn:aws:secretsmanager:::secret:${name}`]));

/** What the deployment says, and its secrets by their ARN. */
let outputs: Record<string, string>;
let secrets: Record<string, string>;
let aws: Server;
let environment: NodeJS.ProcessEnv;
let said: string[];

beforeEach(async () => {
  outputs = { StreamName: 'events', IntakeUrl: URL, SourceSecrets: JSON.stringify(ARNS) };
  secrets = Object.fromEntries(Object.values(ARNS).map((arn) => [arn, '{"keys":[],"placeholder":"x7"}']));
  aws = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (body.includes('DescribeStacks')) return response.end(stacks());
      const { SecretId } = JSON.parse(body) as { SecretId: string };
      return response.end(JSON.stringify({ SecretString: secrets[SecretId] }));
    });
  });
  await new Promise<void>((done) => aws.listen(0, '127.0.0.1', done));
  environment = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(aws.address() as AddressInfo).port}`,
    ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
  });
  said = [];
  for (const method of ['log', 'error'] as const)
    jest.spyOn(console, method).mockImplementation((text: unknown) => void said.push(String(text)));
});
afterEach(async () => {
  jest.restoreAllMocks();
  process.env = environment;
  process.exitCode = 0;
  aws.closeAllConnections();
  await new Promise((done) => aws.close(done));
});

function stacks(): string {
  const members = Object.entries(outputs).map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${value.replaceAll('"', '&quot;')}</OutputValue></member>`,
  );
  return `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>tidemark-dev-doors-storage</StackName>
    <StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime>
    <Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}

const tidemark = (...args: string[]) => run(['node', 'tidemark', ...args, '--stage', 'dev', '--usecase', FOLDER]);

describe('source ls', () => {
  test('has the address of each, and what it lacks', async () => {
    secrets[ARNS.billing!] = '{"keys":["one","two"]}';
    secrets[ARNS.crm!] = '{"keys":["only-one"]}';
    secrets[ARNS.x!] = 'none of ours';
    await tidemark('source', 'ls');
    const lines = Object.fromEntries(
      said
        .join('\n')
        .split('\n')
        .map((line) => [line.split(' ')[0], line]),
    );
    expect(Object.keys(lines)).toEqual(doors.sources!.map(({ name }) => name));
    expect(lines.billing).toMatch(
      // In the local cloud no resolver knows an API's name.
      /^billing +stripe +http +http:\/\/127\.0\.0\.1:\d+\/_aws\/execute-api\/a1\/\$default\/v1\/in\/billing {2}2 keys$/,
    );
    expect(lines.crm).toMatch(/\/v1\/in\/crm\/<key> {2}1 key$/);
    expect(lines.x).toMatch(/no keys: npx tidemark source secret x --stage dev --usecase \.\/test\S+$/);
    expect(said.join('\n')).not.toMatch(/only-one|none of ours/);
  });

  test('of what is not deployed says so', async () => {
    delete outputs.IntakeUrl;
    await tidemark('source', 'ls');
    expect(said.join('\n').match(/not deployed: npx tidemark deploy --stage dev/g)?.length).toBe(doors.sources!.length);
  });

  test('of another way says where its address stands', () => {
    const lake = { ...doors.sources![0]!, name: 'lake', via: [{ kind: 'table' as const, options: {} }] };
    const known = { url: undefined, keys: {}, flags: '', configured: { lake: { table: 'db.orders' } } };
    expect(sourceLines([lake], known)).toEqual(["lake  stripe  table  as the stage's configuration says"]);
    expect(sourceLines([lake], { ...known, configured: {} })[0]).toContain("nothing in the stage's configuration");
  });
});

describe('source secret', () => {
  test('of a source that is none names those there are', async () => {
    await tidemark('source', 'secret', 'nobody');
    expect([process.exitCode, said.join()]).toEqual([
      1,
      expect.stringMatching(/no HTTP source "nobody": allowed are billing, crm/),
    ]);
    delete outputs.SourceSecrets;
    await tidemark('source', 'secret', 'billing');
    expect(said.at(-1)).toMatch(/has no source that comes by HTTP/);
  });

  test('takes one key, and quotes none', () => {
    expect(keyIn('  whsec_0123456789\n')).toBe('whsec_0123456789');
    for (const odd of ['', 'short', 'two words-of-it', 'line\nbreaks-in-it', 'x'.repeat(1025), 'ümlaut-in-it'])
      expect(() => keyIn(odd)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(odd || 'no such') }),
      );
  });
});

test('in an account an API is called by its own address', () => {
  expect(apiAddress(URL, {})).toBe('https://a1.execute-api.eu-west-1.amazonaws.com');
});
