/**
 * The local stage must never reach a real AWS account. Whoever is about to make the first call of a local run asks here.
 */

/** Thrown when a setting could send a call of the local stage to an address other than this machine. */
export class NotLoopbackError extends Error {
  override readonly name = 'NotLoopbackError';
}

const ENDPOINT = 'AWS_ENDPOINT_URL';

/** Variables that make an SDK take its endpoint or identity from the user's own profiles. */
const PROFILES = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'] as const;

/** Variables by which an SDK gets the credentials of a real identity from elsewhere. */
const IDENTITIES = [
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
] as const;

/**
 * Refuses an environment with which the local stage could reach AWS.
 *
 * @param env the environment the calls will be made with, e.g. `process.env` or `LocalCloud.env`
 * @throws NotLoopbackError naming the variable and the next step, when `AWS_ENDPOINT_URL` is absent or not loopback, when an
 *   `AWS_ENDPOINT_URL_<SERVICE>` is not loopback, when endpoint variables are ignored, or when a profile or another identity is set
 */
export function assertLoopback(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of [...PROFILES, ...IDENTITIES]) {
    if (env[name]) {
      throw new NotLoopbackError(
        `${name} is set: the local stage uses no AWS identity of yours; unset it and run again.`,
      );
    }
  }
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS?.toLowerCase() === 'true') {
    throw new NotLoopbackError(
      'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true: calls of the local stage would go to AWS; unset it and run again.',
    );
  }
  if (!env[ENDPOINT]) {
    throw new NotLoopbackError(
      `${ENDPOINT} is not set: calls of the local stage would go to AWS; start the local cloud and use its environment.`,
    );
  }
  for (const [name, value] of Object.entries(env)) {
    if ((name === ENDPOINT || name.startsWith(`${ENDPOINT}_`)) && value && !isLoopback(value)) {
      throw new NotLoopbackError(
        `${name} is not a loopback address: the local stage calls only this machine; ` +
          (name === ENDPOINT ? 'use the environment of the local cloud.' : 'unset it and run again.'),
      );
    }
  }
}

/**
 * Whether a URL can only reach this machine: http or https to `localhost`, a name under it, 127.0.0.0/8 or ::1. What the resolver
 * says of other names is not asked, as it may change between this look and the call.
 */
export function isLoopback(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return false;
  const host = parsed.hostname.toLowerCase();
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
  );
}
