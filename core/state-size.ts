/** How large a state of a view may become, by its caps: pure arithmetic over the codec's layout (core/codec.ts). */
import type { ContractIR, RememberedIR } from './ir.ts';
import type { Level, PartialSpec, ViewPlan } from './view.ts';

/** What a state may need of an item, which ends at 400 KB; the rest is for keys, watermarks and what later code may add. */
export const MAX_STATE_BYTES = 350 * 1024;

/** The longest varint: 53 bits, 7 a byte. */
const VARINT = 8;
const SIGNED = 9;
const HASH = 7;
/** UTF-8 bytes of a character at most, and of an event id of 128 characters. */
const CHARACTER = 4;
const EVENT_ID = 2 + 128 * CHARACTER;
/** Varint of a time within a tile or a horizon, ms: 42 bits are 139 years. */
const TIME = 6;

/**
 * Bytes that no state of the view exceeds, however many events come: tiles × cells × caps. Real states are far smaller;
 * what is above the limit of an item may be refused as OVERSIZE one day.
 */
export function largestStateBytes(plan: ViewPlan, contracts: readonly ContractIR[]): number {
  const text = (event_type: string, field: string | null) => longestText(contracts, event_type, field);
  const levels = plan.levels.map((level) => largestLevel(level, text));
  const sum = levels.reduce((total, level) => total + level, 0);
  return 1 + 2 * VARINT + largestIds(plan.view.dedupe) + largestLedger(plan, text) + sum;
}

type LongestText = (event_type: string, field: string | null) => number;

function largestIds({ cap }: RememberedIR): number {
  return 4 * VARINT + cap * (HASH + TIME);
}

function largestLedger({ ledger, partials }: ViewPlan, text: LongestText): number {
  if (!ledger) return 0;
  const properties = ledger.types.map((type, i) =>
    ledger.properties[i]!.reduce((sum, name) => sum + scalar(text(type, name)), 0),
  );
  const entry = 2 * TIME + HASH + VARINT + Math.max(0, ...properties);
  return 1 + Math.ceil(partials / 8) + 2 * VARINT + ledger.retractions.cap * (entry + TIME + HASH);
}

function largestLevel({ hop_ms, retention_ms, partials }: Level, text: LongestText): number {
  // Both edges of the widest window may lie within a tile.
  const tiles = hop_ms === 0 ? 1 : Math.ceil(retention_ms / hop_ms) + 1;
  const cells = partials.reduce((sum, spec) => sum + largestCell(spec, text(spec.event_type, spec.field)), 0);
  return 4 * VARINT + tiles * (VARINT + Math.ceil(partials.length / 8) + cells);
}

/** @param text bytes of the longest value of its field, where that is a text */
function largestCell({ kind, cap, k }: PartialSpec, text: number): number {
  const pick = 2 * VARINT + EVENT_ID + scalar(text);
  switch (kind) {
    case 'count':
      return VARINT;
    case 'sum':
      return VARINT + SIGNED;
    case 'variance':
      return 3 * VARINT + 2 * SIGNED;
    case 'min':
    case 'max':
      return SIGNED;
    case 'time_min':
    case 'time_max':
      return VARINT;
    case 'first':
    case 'last':
      return pick;
    case 'last_k':
      return VARINT + k! * pick;
    case 'distinct':
      return 1 + HASH + VARINT + cap! * HASH;
    case 'histogram':
      return 1 + VARINT + cap! * (text + VARINT + VARINT);
  }
}

function scalar(text: number): number {
  return 1 + Math.max(SIGNED, VARINT + text);
}

/** UTF-8 bytes of the longest value of a field, over all versions of its contract; 0 where it is no text. */
function longestText(contracts: readonly ContractIR[], event_type: string, field: string | null): number {
  const fields = contracts
    .filter((contract) => contract.event_type === event_type)
    .flatMap((contract) => contract.fields.filter(({ name }) => name === field));
  return Math.max(
    0,
    ...fields.map((of) => {
      if (of.type === 'string') return CHARACTER * of.max_length;
      return of.type === 'enum' ? Math.max(...of.values.map((value) => Buffer.byteLength(value))) : 0;
    }),
  );
}
