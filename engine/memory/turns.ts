import type { ScoreRate, WaitingAlert } from '../../core/scores/policy.ts';
import type { ScoreRates, Turns } from '../ports.ts';
import { Faults } from './faults.ts';
import type { MemoryScores, RaisedAlert } from './scores.ts';

/** Turns and rates in memory, under the real store's conditions. */
export class MemoryTurns {
  /** Released, by day. */
  readonly days = new Map<string, number>();
  private readonly rates: { t: number; rate: ScoreRate }[] = [];
  private readonly scores: MemoryScores;

  constructor(scores: MemoryScores) {
    this.scores = scores;
  }

  port(faults = new Faults()): Turns {
    return {
      waiting: () => faults.run('read', () => [...this.scores.waiting.values()].map((one) => this.waitingOf(one))),
      released: (day) => faults.run('read', () => this.days.get(day) ?? 0),
      release: (alert, day, capacity) =>
        faults.run('write', () => {
          const found = this.find(alert);
          if (!found) return 'gone';
          const before = this.days.get(day) ?? 0;
          if (capacity !== null && before >= capacity) return 'full';
          if (!this.scores.tell(found)) return 'gone';
          this.days.set(day, before + 1);
          this.scores.waiting.delete(alert.entity_id);
          return 'done';
        }),
      close: (alert, rule, arm) =>
        faults.run('write', () => {
          const found = this.find(alert);
          if (!found || !this.scores.suppress(found, rule)) return 'gone';
          this.scores.waiting.delete(alert.entity_id);
          if (arm) this.arm(alert);
          return 'done';
        }),
    };
  }

  ratesPort(faults = new Faults()): ScoreRates {
    const sums = (t: number, window_ms: number): ScoreRate => {
      const some = this.rates.filter((one) => one.t > t - window_ms && one.t <= t);
      return {
        scored: some.reduce((sum, { rate }) => sum + rate.scored, 0),
        above: some.reduce((sum, { rate }) => sum + rate.above, 0),
      };
    };
    return {
      add: (t, rate, window_ms) =>
        faults.run('write', () => {
          this.rates.push({ t, rate });
          return sums(t, window_ms);
        }),
      read: (t, window_ms) => faults.run('read', () => sums(t, window_ms)),
    };
  }

  private find({ entity_id, t }: WaitingAlert): RaisedAlert | undefined {
    const found = this.scores.waiting.get(entity_id);
    return found?.record.t === t ? found : undefined;
  }

  private waitingOf({ record, alert: { disposition } }: RaisedAlert): WaitingAlert {
    const { worth, zone } = disposition.as === 'waits' ? disposition : { worth: null, zone: null };
    const score = this.scores.scores.get(record.entity_id)?.record.score ?? record.score;
    return { entity_id: record.entity_id, t: record.t, score, worth, zone };
  }

  private arm({ entity_id, t }: WaitingAlert): void {
    const row = this.scores.scores.get(entity_id);
    if (!row || row.record.alert_state.last_alert_t !== t) return;
    const alert_state = { ...row.record.alert_state, armed: true };
    this.scores.scores.set(entity_id, { record: { ...row.record, alert_state }, revision: row.revision + 1 });
  }
}
