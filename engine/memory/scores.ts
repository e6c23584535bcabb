import type { AlertRecord, ScoreRecord, ScoreStore, StoredScore } from '../ports.ts';
import { Faults } from './faults.ts';

/** The last score of each entity and the outbox of alerts, under the real store's conditions. */
export class MemoryScores {
  readonly scores = new Map<string, { record: ScoreRecord; revision: number }>();
  /** The outbox: `entity alert#t` → alert. */
  readonly alerts = new Map<string, AlertRecord>();
  /** Told of every write. */
  written: (record: ScoreRecord, before: ScoreRecord | undefined) => void = () => {};
  /** Told of every alert. */
  alerted: (record: ScoreRecord, alert: AlertRecord) => void = () => {};

  port(faults = new Faults()): ScoreStore {
    return {
      read: (ids) => faults.run('read', () => new Map(ids.flatMap((id) => this.get(id)))),
      write: (record, revision, alert) => faults.run('write', () => this.put(record, revision, alert)),
    };
  }

  private get(id: string): [string, StoredScore][] {
    const row = this.scores.get(id);
    if (!row) return [];
    const { t, model_version, experiment, alert_state } = row.record;
    return [[id, { t, model_version, experiment, alert_state, revision: row.revision }]];
  }

  /** One transaction: both conditions hold, or nothing is written. */
  private put(record: ScoreRecord, revision: number | null, alert: AlertRecord | null): boolean {
    const key = `${record.entity_id} alert#${record.t}`;
    const before = this.scores.get(record.entity_id);
    if ((before?.revision ?? null) !== revision) return false;
    if (alert && this.alerts.has(key)) return false;
    this.written(record, before?.record);
    this.scores.set(record.entity_id, { record, revision: (revision ?? 0) + 1 });
    if (alert) {
      this.alerts.set(key, alert);
      this.alerted(record, alert);
    }
    return true;
  }
}
