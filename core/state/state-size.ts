/** How large a state of a view may become, by its caps: pure arithmetic over the codec's layout (core/state/codec.ts). */
import type { FieldBounds } from '../aggregates/aggregation.ts';
import type { ContractIR, RememberedIR } from '../ir/document.ts';
import { CHARACTER, HASH, scalar, TIME, VARINT } from '../values/byte-sizes.ts';
import type { Level, ViewPlan } from './plan.ts';

/**
 * Bytes that no state of the view exceeds, however many events come: tiles × cells × caps. Real states are far smaller;
 * what is above the limit of an item may be refused as OVERSIZE one day.
 */
export function largestStateBytes(plan: ViewPlan, contracts: readonly ContractIR[]): number {
  const field: BoundsOf = (event_type, name) => boundsOf(contracts, event_type, name);
  const levels = plan.levels.map((level) => largestLevel(level, field));
  const sum = levels.reduce((total, level) => total + level, 0);
  return 1 + 2 * VARINT + largestIds(plan.view.dedupe) + largestLedger(plan, field) + sum;
}

type BoundsOf = (event_type: string, field: string | null) => FieldBounds;

function largestIds({ cap }: RememberedIR): number {
  return 4 * VARINT + cap * (HASH + TIME);
}

function largestLedger({ ledger, partials }: ViewPlan, field: BoundsOf): number {
  if (!ledger) return 0;
  const properties = ledger.types.map((type, i) =>
    ledger.properties[i]!.reduce((sum, name) => sum + scalar(field(type, name).text), 0),
  );
  const entry = 2 * TIME + HASH + VARINT + Math.max(0, ...properties);
  return 1 + Math.ceil(partials / 8) + 2 * VARINT + ledger.retractions.cap * (entry + TIME + HASH);
}

function largestLevel({ hop_ms, retention_ms, partials }: Level, field: BoundsOf): number {
  // Both edges of the widest window may lie within a tile.
  const tiles = hop_ms === 0 ? 1 : Math.ceil(retention_ms / hop_ms) + 1;
  const cells = partials.reduce(
    (sum, spec) => sum + spec.type.largest(spec.options, field(spec.event_type, spec.field)),
    0,
  );
  return 4 * VARINT + tiles * (VARINT + Math.ceil(partials.length / 8) + cells);
}

function boundsOf(contracts: readonly ContractIR[], event_type: string, name: string | null): FieldBounds {
  const versions = contracts.filter((contract) => contract.event_type === event_type);
  const fields = versions.flatMap((contract) => contract.fields.filter((field) => field.name === name));
  const columns = versions.flatMap((contract) => contract.derived.filter((column) => column.name === name));
  const texts = fields.map((of) => {
    if (of.type === 'string') return CHARACTER * of.max_length;
    return of.type === 'enum' ? Math.max(...of.values.map((value) => Buffer.byteLength(value))) : 0;
  });
  const magnitudes = [...fields, ...columns].map((of) => {
    const { min, max } = 'min' in of || 'max' in of ? of : {};
    return min === undefined || max === undefined ? 2 ** 53 : Math.max(Math.abs(min), Math.abs(max));
  });
  return { text: Math.max(0, ...texts), magnitude: magnitudes.length === 0 ? 2 ** 53 : Math.max(...magnitudes) };
}
