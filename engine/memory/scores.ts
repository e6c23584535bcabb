import type { SuppressionRule } from '../../core/scores/policy.ts';
import type { AlertRecord, ScoreRecord, ScoreStore, StoredScore } from '../ports.ts';
import { Faults } from './faults.ts';

/** An alert and the score that raised it. */
export interface RaisedAlert {
  readonly record: ScoreRecord;
  readonly alert: AlertRecord;
}

/** The last score of each entity, the outbox of alerts and what waits for it, under the real store's conditions. */
export class MemoryScores {
  readonly scores = new Map<string, { record: ScoreRecord; revision: number }>();
  /** The outbox: `entity alert#t` → alert. */
  readonly alerts = new Map<string, AlertRecord>();
  /** By entity. */
  readonly waiting = new Map<string, RaisedAlert>();
  /** `entity suppressed#t` → by which rule. */
  readonly suppressed = new Map<string, SuppressionRule>();
  /** Told of every write. */
  written: (record: ScoreRecord, before: ScoreRecord | undefined) => void = () => {};
  /** Told of every alert in the outbox. */
  alerted: (record: ScoreRecord, alert: AlertRecord) => void = () => {};

  port(faults = new Faults()): ScoreStore {
    return {
      read: (ids) => faults.run('read', () => new Map(ids.flatMap((id) => this.get(id)))),
      write: (record, revision, alert) => faults.run('write', () => this.put(record, revision, alert)),
    };
  }

  /** @returns false, and nothing is done, where this alert is in the outbox already */
  tell({ record, alert }: RaisedAlert): boolean {
    const key = `${record.entity_id} alert#${record.t}`;
    if (this.alerts.has(key)) return false;
    this.alerts.set(key, alert);
    this.alerted(record, alert);
    return true;
  }

  suppress({ record }: RaisedAlert, rule: SuppressionRule): boolean {
    const key = `${record.entity_id} suppressed#${record.t}`;
    if (this.suppressed.has(key)) return false;
    this.suppressed.set(key, rule);
    return true;
  }

  private get(id: string): [string, StoredScore][] {
    const row = this.scores.get(id);
    if (!row) return [];
    const { t, model_version, experiment, alert_state } = row.record;
    return [[id, { t, model_version, experiment, alert_state, revision: row.revision }]];
  }

  /** One transaction: both conditions hold, or nothing is written. */
  private put(record: ScoreRecord, revision: number | null, alert: AlertRecord | null): boolean {
    const before = this.scores.get(record.entity_id);
    if ((before?.revision ?? null) !== revision) return false;
    if (alert && !this.keep({ record, alert })) return false;
    this.written(record, before?.record);
    this.scores.set(record.entity_id, { record, revision: (revision ?? 0) + 1 });
    return true;
  }

  private keep(raised: RaisedAlert): boolean {
    const { disposition } = raised.alert;
    switch (disposition.as) {
      case 'told':
        return this.tell(raised);
      case 'suppressed':
        return this.suppress(raised, disposition.rule);
      case 'waits':
        this.waiting.set(raised.record.entity_id, raised);
        return true;
    }
  }
}
