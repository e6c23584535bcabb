import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assertLoopback, isLoopback, NotLoopbackError } from '../../local/guard.ts';

const local = { AWS_ENDPOINT_URL: 'http://127.0.0.1:4566' };

describe('assertLoopback', () => {
  test.each([
    ['http://127.0.0.1:4566'],
    ['http://localhost:1'],
    ['https://localhost'],
    ['http://[::1]:80'],
    ['http://127.8.9.1:1'],
    ['http://api.execute-api.localhost:4566'],
  ])('accepts %s', (url) => {
    expect(() => assertLoopback({ AWS_ENDPOINT_URL: url })).not.toThrow();
  });

  test.each([
    ['https://kinesis.us-east-1.amazonaws.com'],
    ['http://127.0.0.1.example.com:4566'],
    ['http://localhost.example.com'],
    ['http://127.0.0.1@example.com/'],
    ['http://example.com#@127.0.0.1'],
    ['http://10.0.0.1:4566'],
    ['http://0.0.0.0:4566'],
    ['http://[::ffff:10.0.0.1]:1'],
    ['file:///tmp/127.0.0.1'],
    ['127.0.0.1:4566'],
    ['not a url'],
  ])('refuses %s, without repeating it', (url) => {
    expect(() => assertLoopback({ AWS_ENDPOINT_URL: url })).toThrow(NotLoopbackError);
    expect(() => assertLoopback({ AWS_ENDPOINT_URL: url })).toThrow(
      'AWS_ENDPOINT_URL is not a loopback address: the local stage calls only this machine; use the environment of the local cloud.',
    );
  });

  test.each([[{}], [{ AWS_ENDPOINT_URL: '' }], [{ AWS_ENDPOINT_URL: undefined }]])(
    'refuses an absent endpoint: %j',
    (env) => {
      expect(() => assertLoopback(env)).toThrow(
        'AWS_ENDPOINT_URL is not set: calls of the local stage would go to AWS',
      );
    },
  );

  test('refuses one service that is elsewhere, by its name', () => {
    const env = {
      ...local,
      AWS_ENDPOINT_URL_S3: local.AWS_ENDPOINT_URL,
      AWS_ENDPOINT_URL_KINESIS: 'https://example.com',
    };
    expect(() => assertLoopback(env)).toThrow('AWS_ENDPOINT_URL_KINESIS is not a loopback address');
  });

  test.each([
    ['AWS_PROFILE'],
    ['AWS_DEFAULT_PROFILE'],
    ['AWS_WEB_IDENTITY_TOKEN_FILE'],
    ['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
    ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
  ])('refuses %s, which names an identity of the user', (name) => {
    expect(() => assertLoopback({ ...local, [name]: 'company' })).toThrow(`${name} is set`);
    expect(() => assertLoopback({ ...local, [name]: '' })).not.toThrow();
  });

  test('refuses to have its endpoints ignored', () => {
    expect(() => assertLoopback({ ...local, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'TRUE' })).toThrow(
      'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true',
    );
  });

  test('no name outside of this machine passes', () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (url) => {
        expect(isLoopback(url)).toBe(false);
      }),
    );
  });
});
