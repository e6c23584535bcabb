import { describe, expect, test } from '@jest/globals';
import { connectTo } from '../../cli/stage/connection.ts';
import { NotLoopbackError } from '../../local/guard.ts';

const here = 'http://127.0.0.1:4566';
const cloud = (env: Record<string, string>, endpoint = here) => ({
  env: { AWS_ENDPOINT_URL: here, AWS_ENDPOINT_URL_S3: here, ...env },
  clientConfig: {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' },
    forcePathStyle: true as const,
  },
});

describe('what was written down of a local cloud', () => {
  test('connects to this machine', () => {
    expect(connectTo(cloud({})).env.AWS_ENDPOINT_URL).toBe(here);
  });

  test.each([
    ['the clients', cloud({}, 'https://kinesis.us-east-1.amazonaws.com')],
    ['the clients, by a name that looks like it', cloud({}, 'http://127.0.0.1.evil.example')],
    ['child processes', cloud({ AWS_ENDPOINT_URL: 'https://evil.example' })],
    ['one service of child processes', cloud({ AWS_ENDPOINT_URL_S3: 'https://evil.example' })],
    ['an identity of the user', cloud({ AWS_PROFILE: 'company' })],
  ])('leads %s to no other machine', (_what, written) => {
    expect(() => connectTo(written)).toThrow(NotLoopbackError);
  });
});
