import { type Endpoint, type EndpointAnswer, ModelFailedError, type ModelRows, ScoreRefusedError } from '../ports.ts';

/** For how long a challenger that failed is not asked, ms: each time it hangs, its entities wait for their score. */
const REST_MS = 60_000;

/** An endpoint whose champion answers for a challenger that fails, hangs, refuses or is gone: nobody goes without a score. */
export class ChallengerFallback implements Endpoint {
  private readonly inner: Endpoint;
  private readonly failed: (error: Error) => void;
  private readonly now: () => number;
  private rests_until = 0;

  /** @param failed told of each time. @param now ms UTC */
  constructor(inner: Endpoint, failed: (error: Error) => void, now: () => number) {
    this.inner = inner;
    this.failed = failed;
    this.now = now;
  }

  async score(rows: ModelRows, variant?: string): Promise<EndpointAnswer> {
    if (variant !== 'challenger') return this.inner.score(rows, variant);
    if (this.now() >= this.rests_until) {
      try {
        return await this.inner.score(rows, variant);
      } catch (error) {
        if (!(error instanceof ScoreRefusedError || error instanceof ModelFailedError)) throw error;
        this.rests_until = this.now() + REST_MS;
        this.failed(error);
      }
    }
    return this.inner.score(rows, 'champion');
  }
}
