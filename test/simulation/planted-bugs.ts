/** Bugs that the simulation must find: each replaces one part of the product by a wrong one. */

import { admitRecord } from '../../core/admission/record-parts.ts';
import type { Partial } from '../../core/aggregates/aggregation.ts';
import type { Sum } from '../../core/aggregates/sum.ts';
import { highestPositions } from '../../core/state/merge.ts';
import type { PartialSpec, ViewPlan } from '../../core/state/plan.ts';
import { RecentIds } from '../../core/state/recent-ids.ts';
import type { EntityState } from '../../core/state/state.ts';
import type { ByteReader } from '../../core/values/bytes.ts';
import { handOver } from '../../engine/alerting/hand-over.ts';
import { LEASE_MS, type Outbox, sendOnce } from '../../engine/alerting/send.ts';
import { processBatch } from '../../engine/ingest/process.ts';
import { ThrottledError } from '../../engine/memory/faults.ts';
import type { StateStore } from '../../engine/ports.ts';
import { REAL, type Sandbox } from './sandbox.ts';

/** A store whose states are changed on their way in and out. @param kept what is stored already, if anything */
function through(
  port: StateStore,
  read: (state: EntityState) => EntityState,
  write: (state: EntityState, kept: EntityState | undefined) => EntityState,
): StateStore {
  const seen = new Map<string, EntityState>();
  return {
    ...port,
    read: async (ids, unreadable) => {
      const found = await port.read(ids, unreadable);
      for (const [id, { state }] of found) seen.set(id, state);
      return new Map([...found].map(([id, { state, revision }]) => [id, { state: read(state), revision }]));
    },
    write: (id, state, version) => port.write(id, write(state, seen.get(id)), version),
  };
}

/** Watermarks are kept, and nobody looks at them. */
const fenceDropped: Sandbox = {
  ...REAL,
  states: (port) =>
    through(
      port,
      (state) => ({ ...state, watermarks: {} }),
      (state, kept) => ({ ...state, watermarks: highestPositions(state.watermarks, kept?.watermarks ?? {}) }),
    ),
};

/** Ids are kept, and nobody looks at them. */
const dedupeDropped: Sandbox = {
  ...REAL,
  states: (port) =>
    through(
      port,
      (state) => ({ ...state, recent: RecentIds.none }),
      (state, kept) => {
        const ids = new Map((kept?.recent ?? RecentIds.none).list().map((id) => [id.hash, id]));
        const added = state.recent.list().filter((id) => !ids.has(id.hash));
        const all = [...ids.values(), ...added];
        const recent = RecentIds.none.with(all, state.newest_available_at, { horizon_ms: 1e12, cap: 4096 });
        return { ...state, recent };
      },
    ),
};

/** The last writer wins. */
const versionCheckDropped: Sandbox = {
  ...REAL,
  states: (port, table) => ({
    ...port,
    write: async (id, state) => {
      for (;;) {
        const size = await port.write(id, state, table.rows.get(id)?.revision ?? null);
        if (size !== 'conflict') return size;
      }
    },
  }),
};

/** Sums of minor units kept in units of a hundred, in binary floating point. */
const float: Partial<Sum> = {
  add: (cell, value) => ({ n: (cell?.n ?? 0) + 1, sum: ((cell?.sum ?? 0) / 100 + Number(value) / 100) * 100 }),
  merge: (a, b) => ({ n: a.n + b.n, sum: (a.sum / 100 + b.sum / 100) * 100 }),
  remove: (cell, value) => (cell.n === 1 ? null : { n: cell.n - 1, sum: (cell.sum / 100 - Number(value) / 100) * 100 }),
  write: (out, cell) => {
    out.varint(cell.n);
    out.raw(new Uint8Array(Float64Array.of(cell.sum).buffer));
  },
  read: (from: ByteReader) => {
    const n = from.varint();
    const at = from.skip(8);
    return { n, sum: new Float64Array(from.bytes.slice(at, at + 8).buffer)[0]! };
  },
};

function withFloats(plan: ViewPlan): ViewPlan {
  const inFloats = (spec: PartialSpec): PartialSpec =>
    spec.type.kind === 'sum' ? { ...spec, partial: float as Partial<unknown> } : spec;
  return { ...plan, levels: plan.levels.map((level) => ({ ...level, partials: level.partials.map(inFloats) })) };
}

/** Read at the newest arrival itself: an event at `t` counts. */
const rightEdgeIncluded: Sandbox = {
  ...REAL,
  candidate: ({ entity_id, state }, now) => ({
    entity_id,
    state: { ...state, newest_available_at: state.newest_available_at - 1 },
    t: Math.max(now, state.newest_available_at),
  }),
};

/** A failed entity is logged, and its batch goes on. */
const failureSwallowed: Sandbox = {
  ...REAL,
  process: async (...batch) => ({ ...(await processBatch(...batch)), failed: null }),
};

const quarantineDropped: Sandbox = {
  ...REAL,
  process: (records, rules, ports) => processBatch(records, rules, { ...ports, quarantine: async () => {} }),
};

const misroutedDropped: Sandbox = {
  ...REAL,
  process: (records, rules, ports) => processBatch(records, rules, { ...ports, reroute: async () => {} }),
};

/** The fence of a version stays up while nobody keeps it up, so that it serves on when it comes back. */
const neverRetired: Sandbox = { ...REAL, retire: () => async () => {} };

/** Who reads states is not told which one can't be read. */
const badStateForAll: Sandbox = { ...REAL, states: (port) => ({ ...port, read: (ids) => port.read(ids) }) };

/** The events of a record are taken for records, each written by itself, although its position is theirs together. */
const recordTornApart: Sandbox = {
  ...REAL,
  process: async (records, rules, ports) => {
    const parts = records.flatMap((record) => admitRecord(record, rules.contracts, rules.admit));
    let result = await processBatch([], rules, ports);
    for (const { position, data } of parts) {
      const next = await processBatch([{ position, data }], rules, ports);
      result = { ...next, failed: result.failed ?? next.failed };
    }
    return result;
  },
};

/** Of an aggregated record in a lane that its own key chose, every event is applied. */
const lanesForgotten: Sandbox = {
  ...REAL,
  process: (records, rules, ports) => processBatch(records, { ...rules, admit: { ...rules.admit, lanes: 1 } }, ports),
};

/** A write that the table refuses for want of units is logged, and its batch goes on. */
const throttleSwallowed: Sandbox = {
  ...REAL,
  states: (port) => ({
    ...port,
    write: async (...of) => {
      try {
        return await port.write(...of);
      } catch (error) {
        if (error instanceof ThrottledError) return 0;
        throw error;
      }
    },
  }),
};

/** The publisher logs what the topic did not take, and goes on. */
const alertPassedOver: Sandbox = {
  ...REAL,
  handOver: async (...batch) => ({ ...(await handOver(...batch)), failed: null }),
};

const markForgotten: Sandbox = {
  ...REAL,
  send: ({ claim, release }, ...rest) => sendOnce({ claim, release, markSent: async () => {} }, ...rest),
};

/** No sender waits for the lease of another to end. */
const claimedAnyway: Sandbox = {
  ...REAL,
  send: (outbox, ...rest) => {
    const claim: Outbox['claim'] = async (key, now) => {
      const alert = await outbox.claim(key, now);
      return alert === 'taken' ? outbox.claim(key, now + 2 * LEASE_MS) : alert;
    };
    return sendOnce({ ...outbox, claim }, ...rest);
  },
};

export const PLANTED: Readonly<Record<string, Sandbox>> = {
  'the fence of watermarks dropped': fenceDropped,
  'the dedupe by event id dropped': dedupeDropped,
  'the check of versions dropped': versionCheckDropped,
  'sums in binary floating point': { ...REAL, plan: withFloats },
  'the right edge included': rightEdgeIncluded,
  'a failed entity not reported': failureSwallowed,
  'refused records not stored': quarantineDropped,
  'misrouted records not put again': misroutedDropped,
  'the events of a record written one by one': recordTornApart,
  'the lane of an aggregated record forgotten': lanesForgotten,
  'a version that comes back behind its old fence': neverRetired,
  'a bad state for all': badStateForAll,
  'erased entities created again': { ...REAL, erased: () => false },
  'a throttled write taken for done': throttleSwallowed,
  'an alert passed over that the topic did not take': alertPassedOver,
  'the mark of a sent alert forgotten': markForgotten,
  'an alert claimed no matter who holds it': claimedAnyway,
};
