/**
 * State codec, version 3. The same bytes come from glue-scripts/tidemark_spark/engine/state/codec.py; the cases in test/conformance
 * hold both to it. Version 2 stays readable, which is the same but for its hashes of ids (formerIdHash), as does version 1
 * (core/state/codec-v1.ts).
 *
 *   byte     codec version (3); 0x80 is added while it remembers ids by the hash of a former version
 *   varint   newest_event_time (ms)
 *   varint   newest_available_at (ms)
 *   recent ids, newest first by (available_at, hash):
 *     varint number; unless 0:
 *       varint newest_available_at - that of the newest; varint that of the newest - that of the oldest
 *       7 bytes idHash of each event id, lowest byte first; of a former version's, 0x80 is added to the last one
 *       varint byte length of the rest: for each but the newest, varint available_at of the one before - its own
 *   for a view with retractions only:
 *     byte   1 where an event ever left the ledger
 *     bitmap partials that are inexact, over all levels
 *     varint number of pending retractions; each: varint newest_available_at - available_at, 7 bytes hash
 *     varint number of ledger entries; each: varint newest_available_at - available_at, 7 bytes hash,
 *            varint available_at - event_time, varint 2 × place of its type + 1 where cancelled,
 *            a scalar for each property of the type that the view reads
 *   for each level of the view's plan (ascending hop, lifetime last):
 *     varint byte length of the rest of the level; 0: no tiles
 *     varint number of tiles
 *     unless lifetime: varint newest start / hop, varint (newest - oldest start) / hop
 *     for each tile, newest first:
 *       unless lifetime or the newest: varint (start of the one before - its own) / hop
 *       bitmap which partials have a cell
 *       the cells that are there, in the order of the features that first need them: core/aggregates
 *
 * varint, signed, text (varint length, UTF-8), scalar and bitmap: core/values/bytes.ts. Newest comes first, so that an update
 * reads and writes what is new and copies the rest. Watermarks stand beside the bytes, in the item's own attribute, so
 * that people and Spark can read them.
 */
import { ByteReader, ByteWriter, CodecError } from '../values/bytes.ts';
import { readVersion1 } from './codec-v1.ts';
import { EMPTY_LEDGER, readLedger, writeLedger } from './ledger.ts';
import type { ViewPlan } from './plan.ts';
import { RecentIds } from './recent-ids.ts';
import type { EntityState } from './state.ts';
import { Tiles } from './tiles.ts';

/** Written. What reads a version is released before what writes it: docs/adr/0003-state-codec-of-our-own.md. */
const CODEC_VERSION = 3;
const FORMER = 0x80;
const buffer = new ByteWriter();

/** @param state at least one event applied. */
export function encodeState(plan: ViewPlan, state: EntityState): Uint8Array {
  const out = buffer.reset();
  out.byte(state.former_ids && hasFormerIds(state) ? CODEC_VERSION | FORMER : CODEC_VERSION);
  out.varint(state.newest_event_time);
  out.varint(state.newest_available_at);
  state.recent.write(out, state.newest_available_at);
  if (plan.ledger) {
    out.byte(state.ledger.evicted ? 1 : 0);
    out.bitmap(Array.from({ length: plan.partials }, (_, i) => state.inexact[i] === true));
    writeLedger(out, plan.ledger, state.ledger, state.newest_available_at);
  }
  for (const tiles of state.levels) tiles.write(out);
  return out.finish();
}

/**
 * @param bytes read lazily: they must not be changed afterwards
 * @param watermarks the item's own attribute
 * @throws CodecError on damaged bytes and on a version that this code doesn't know
 */
export function decodeState(
  plan: ViewPlan,
  bytes: Uint8Array,
  watermarks: Readonly<Record<string, string>>,
): EntityState {
  const from = new ByteReader(bytes);
  const first = from.byte();
  const version = first === (CODEC_VERSION | FORMER) ? CODEC_VERSION : first;
  if (version < 1 || version > CODEC_VERSION) {
    throw new CodecError(
      `codec version: found ${version}; allowed: 1 to ${CODEC_VERSION}; deploy the code that wrote it`,
    );
  }
  const state = version === 1 ? readVersion1(plan, from, watermarks) : readState(plan, from, watermarks, first);
  if (!from.done) throw new CodecError('found bytes after the last level; the state was written for another view');
  return state;
}

function hasFormerIds({ recent, ledger }: EntityState): boolean {
  return [recent.list(), ledger.entries, ledger.pending].some((ids) => ids.some(({ hash }) => hash < 0));
}

/** @param first byte of the state */
function readState(
  plan: ViewPlan,
  from: ByteReader,
  watermarks: EntityState['watermarks'],
  first: number,
): EntityState {
  const version2 = first === 2;
  const newest_event_time = from.varint();
  const newest_available_at = from.varint();
  const recent = (version2 ? RecentIds.decodeFormer : RecentIds.decode)(from, newest_available_at);
  const evicted = plan.ledger !== null && from.byte() === 1;
  const flags = plan.ledger ? from.bitmap(plan.partials) : [];
  const ledger = plan.ledger ? readLedger(from, plan.ledger, newest_available_at, evicted, version2) : EMPTY_LEDGER;
  const levels = plan.levels.map((level) => Tiles.decode(level, from));
  const inexact = flags.includes(true) ? flags : [];
  const former_ids = first !== CODEC_VERSION;
  return { newest_event_time, newest_available_at, watermarks, recent, former_ids, ledger, inexact, levels };
}
