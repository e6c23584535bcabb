/**
 * What a state remembers so that an event can be retracted: the events of retractable types within the declared horizon,
 * and the retractions whose event has not come yet. In any order of arrival it ends with the same content.
 */

import type { CanonicalEvent, FeatureViewIR, RetractionsIR, Scalar } from '../ir/document.ts';
import type { ByteReader, ByteWriter } from '../values/bytes.ts';
import { formerId, formerIdHash, hash53, idHash } from '../values/hash.ts';
import { newestFirst, type RecentId } from './recent-ids.ts';

/** An event that may be retracted. `available_at` and `hash` as in RecentId. */
export interface LedgerEntry extends RecentId {
  readonly event_time: number;
  readonly event_type: string;
  /** What the view reads of it. */
  readonly properties: Readonly<Record<string, Scalar>>;
  readonly cancelled: boolean;
}

export interface Ledger {
  /** Newest first. */
  readonly entries: readonly LedgerEntry[];
  /** Retractions that wait for their event, newest first; `hash` by `targetHash`. */
  readonly pending: readonly RecentId[];
  /** Whether an event ever left: then a retraction of an unknown event may mean one that was counted. */
  readonly evicted: boolean;
}

export const EMPTY_LEDGER: Ledger = { entries: [], pending: [], evicted: false };

/** How a view's retractions are kept; made once by `compileView`. */
export interface LedgerPlan {
  readonly retractions: RetractionsIR;
  /** Retractable event types, sorted; the codec writes their places. */
  readonly types: readonly string[];
  /** Of each of them, the properties that the view reads, sorted by code point. */
  readonly properties: readonly (readonly string[])[];
}

export function ledgerPlan({ retractions, plan: { ledger } }: FeatureViewIR): LedgerPlan | null {
  if (!retractions || !ledger) return null;
  const types = ledger.map(({ event_type }) => event_type);
  return { retractions, types, properties: ledger.map(({ properties }) => properties) };
}

/**
 * An event id is unique for a fact, so a retraction that names the id of another type retracts nothing. Made of the id's
 * hash, so that a retraction finds its event among entries, which keep no more of it.
 * @param id_hash idHash of the event id, or formerIdHash, which makes another hash of former code
 */
export function targetHash(event_type: string, id_hash: number): number {
  if (id_hash < 0) return formerId(hash53(`${event_type}\n${formerId(id_hash)}`));
  return idHash(`${event_type}\n${id_hash}`);
}

/** What an event means to the ledger. */
export type Effect =
  /** Count it; `remembered` where it can be retracted later. */
  | { readonly kind: 'count' }
  /** It was retracted before it came: it never counts. */
  | { readonly kind: 'skip' }
  /** Take this one back. */
  | { readonly kind: 'undo'; readonly entry: LedgerEntry }
  /** What it retracts is not known, and may have been counted. */
  | { readonly kind: 'unknown'; readonly event_type: string };

/** A ledger while a batch is applied: changed in place, and only there. */
export class OpenLedger {
  private readonly plan: LedgerPlan;
  private readonly entries: Map<number, LedgerEntry>;
  private readonly pending: Map<number, RecentId>;
  private evicted: boolean;
  private readonly former_ids: boolean;

  /** @param former_ids whether it may hold hashes that former code made */
  constructor(plan: LedgerPlan, ledger: Ledger, former_ids: boolean) {
    this.plan = plan;
    this.former_ids = former_ids;
    this.entries = new Map(ledger.entries.map((entry) => [entry.hash, entry]));
    this.pending = new Map(ledger.pending.map((one) => [one.hash, one]));
    this.evicted = ledger.evicted;
  }

  /** @param known_at arrival, ms, as the state's clock has it. @returns what to do, in this order */
  take(event: CanonicalEvent, hash: number, known_at: number): readonly Effect[] {
    const effects: Effect[] = [this.remember(event, hash, known_at)];
    const rule = this.plan.retractions.rules.find(({ event_type }) => event_type === event.event_type);
    const target = rule ? event.properties[rule.field] : undefined;
    if (rule && typeof target === 'string') {
      const effect = this.retract(rule.of, target, known_at);
      if (effect) effects.push(effect);
    }
    return effects;
  }

  private remember(event: CanonicalEvent, hash: number, available_at: number): Effect {
    const type = this.plan.types.indexOf(event.event_type);
    if (type < 0) return { kind: 'count' };
    const hashes = this.former_ids ? [hash, formerIdHash(event.event_id)] : [hash];
    const waiting = hashes.map((one) => targetHash(event.event_type, one));
    const cancelled = waiting.filter((one) => this.pending.delete(one)).length > 0;
    const names = this.plan.properties[type]!;
    this.entries.set(hash, {
      available_at,
      hash,
      event_time: event.event_time,
      event_type: event.event_type,
      properties: Object.fromEntries(names.map((name) => [name, event.properties[name] ?? null])),
      cancelled,
    });
    return cancelled ? { kind: 'skip' } : { kind: 'count' };
  }

  private retract(event_type: string, event_id: string, available_at: number): Effect | null {
    const id_hash = idHash(event_id);
    const former = this.former_ids ? formerIdHash(event_id) : null;
    const entry = this.entries.get(id_hash) ?? (former === null ? undefined : this.entries.get(former));
    if (entry?.event_type === event_type) {
      if (entry.cancelled) return null;
      this.entries.set(entry.hash, { ...entry, cancelled: true });
      return { kind: 'undo', entry };
    }
    const hash = targetHash(event_type, id_hash);
    if (former !== null && this.pending.has(targetHash(event_type, former))) return null;
    const known = this.pending.get(hash);
    if (!known || known.available_at < available_at) this.pending.set(hash, { available_at, hash });
    return this.evicted && !known ? { kind: 'unknown', event_type } : null;
  }

  /**
   * @returns what stays; `forgot` where a retraction left that still waited: should its event come, it would be counted
   */
  close(newest_available_at: number): { ledger: Ledger; forgot: boolean } {
    const { horizon_ms, cap } = this.plan.retractions;
    const from = newest_available_at - horizon_ms;
    const keep = <T extends RecentId>(all: Iterable<T>): T[] =>
      [...all]
        .filter((one) => one.available_at >= from)
        .sort(newestFirst)
        .slice(0, cap);
    const entries = keep(this.entries.values());
    const pending = keep(this.pending.values());
    const evicted = this.evicted || entries.length < this.entries.size;
    return { ledger: { entries, pending, evicted }, forgot: pending.length < this.pending.size };
  }
}

export function writeLedger(out: ByteWriter, plan: LedgerPlan, ledger: Ledger, newest_available_at: number): void {
  out.varint(ledger.pending.length);
  for (const { available_at, hash } of ledger.pending) {
    out.varint(newest_available_at - available_at);
    out.idHash(hash);
  }
  out.varint(ledger.entries.length);
  for (const { available_at, hash, event_time, event_type, properties, cancelled } of ledger.entries) {
    const type = plan.types.indexOf(event_type);
    out.varint(newest_available_at - available_at);
    out.idHash(hash);
    out.varint(available_at - event_time);
    out.varint(2 * type + (cancelled ? 1 : 0));
    for (const name of plan.properties[type]!) {
      out.scalar(properties[name] ?? null);
    }
  }
}

/** @param former whether all its hashes are of codec version 2 */
export function readLedger(
  from: ByteReader,
  plan: LedgerPlan,
  newest_available_at: number,
  evicted: boolean,
  former: boolean,
): Ledger {
  const readHash = () => (former ? formerId(from.hash()) : from.idHash());
  const pending = Array.from({ length: from.varint() }, () => ({
    available_at: newest_available_at - from.varint(),
    hash: readHash(),
  }));
  const entries = Array.from({ length: from.varint() }, (): LedgerEntry => {
    const available_at = newest_available_at - from.varint();
    const hash = readHash();
    const event_time = available_at - from.varint();
    const tag = from.varint();
    const type = tag >> 1;
    const properties: Record<string, Scalar> = {};
    for (const name of plan.properties[type]!) properties[name] = from.scalarOrNull();
    return { available_at, hash, event_time, event_type: plan.types[type]!, properties, cancelled: tag % 2 === 1 };
  });
  // Hashes decide among those that came at the same time, and those of former code stand the other way round.
  return former
    ? { pending: pending.sort(newestFirst), entries: entries.sort(newestFirst), evicted }
    : { pending, entries, evicted };
}
