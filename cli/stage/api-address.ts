import { isLoopback } from '../../local/guard.ts';

/**
 * Where an HTTP API of a stage is called: as its output says, and in the local cloud, whose names no resolver knows, below its
 * own endpoint. Ends without a slash.
 */
export function apiAddress(url: string, { AWS_ENDPOINT_URL: endpoint = '' }: NodeJS.ProcessEnv): string {
  const { host, origin } = new URL(url);
  const [api] = host.split('.');
  return isLoopback(endpoint) ? `${endpoint.replace(/\/$/, '')}/_aws/execute-api/${api}/$default` : origin;
}
