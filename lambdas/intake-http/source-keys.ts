import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';

const secret = z.object({ keys: z.array(z.string().min(1)) });
/** How long what was read is taken for current. */
const FRESH_MS = 300_000;
/** A request whose signature fails may be of a new key: the secret is read again, but not more often than this. */
const AGAIN_MS = 10_000;

/** The keys of a source's requests: the current one, and for as long as they change the former one. */
export class SourceKeys {
  private readonly client: SecretsManagerClient;
  private readonly arn: string;
  private read: { readonly keys: readonly string[]; readonly at: number } | null = null;

  constructor(client: SecretsManagerClient, arn: string) {
    this.client = client;
    this.arn = arn;
  }

  /** @param verify null where the keys prove the request. @returns its answer, with keys that were read anew where it was not null */
  async check(verify: (keys: readonly string[]) => string | null): Promise<string | null> {
    const first = verify(await this.current(FRESH_MS));
    return first === null ? null : verify(await this.current(AGAIN_MS));
  }

  private async current(fresh_ms: number): Promise<readonly string[]> {
    const at = Date.now();
    if (this.read === null || at - this.read.at > fresh_ms) {
      const { SecretString = '' } = await this.client.send(new GetSecretValueCommand({ SecretId: this.arn }));
      this.read = { keys: secret.parse(JSON.parse(SecretString)).keys, at };
    }
    return this.read.keys;
  }
}
