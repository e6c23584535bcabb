/** A source, compiled: its records → events, and what else comes of them. */
import { type Drift, shownKind } from '../admission/drift.ts';
import type { ContractIR, EraseRuleIR, SourceIR } from '../ir/document.ts';
import { typeName } from '../ir/errors.ts';
import { Rejection } from '../ir/rejection.ts';
import { ENVELOPE_OPTIONS } from '../ir/source-options.ts';
import { bytesOf } from './body.ts';
import type { Gap, IntakeContext, Item, Refused } from './envelope.ts';
import { envelopeOf } from './envelopes/index.ts';
import { compileConditions, compileEntity, compileMap, type MappedEvent } from './map.ts';
import { compileMapDrift } from './map-drift.ts';

/** An event on its way to the stream. */
export interface OutgoingEvent {
  readonly event_id: string;
  /** Its partition key. */
  readonly entity_id: string;
  /** Canonical JSON. */
  readonly data: Uint8Array;
  /** What the provider called it. */
  readonly kind: string;
}

export interface Taken {
  /** In the order of the record. */
  readonly events: readonly OutgoingEvent[];
  readonly refused: readonly Refused[];
  /** What no rule asks for, by what the provider calls it. */
  readonly ignored: ReadonlyMap<string, number>;
  /** Entities that the source says to forget. */
  readonly erasures: readonly string[];
  readonly gaps: readonly Gap[];
  /** How what the map refused differs from what the map looks for. */
  readonly drift: readonly Drift[];
  /** Items that name a version, by what the provider calls them. */
  readonly versions: readonly (readonly [kind: string, version: string])[];
}

/** Never throws on input. */
export type Intake = (raw: Uint8Array, context: IntakeContext) => Taken;

/** Makes events of an item where no map can say how; what it throws refuses the item. */
export type MapModule = (body: unknown, item: Item) => readonly MappedEvent[];

/**
 * @param source validated with the contracts of its use case
 * @param mapWith the module that `source.map_with` names
 */
export function compileSource(source: SourceIR, contracts: readonly ContractIR[], mapWith?: MapModule): Intake {
  const envelope = envelopeOf(source.envelope);
  const options = ENVELOPE_OPTIONS[source.envelope].parse(source.options);
  const map = mapWith ? guarded(mapWith) : mapOf(source, contracts);
  const differs = mapWith ? () => [] : compileMapDrift(source.name, source.map, contracts);
  const erase = source.erase.map(compileErase);
  return (raw, context) => {
    const unpacked = envelope.unpack(raw, context, options);
    const events: OutgoingEvent[] = [];
    const refused: Refused[] = [...unpacked.refused];
    const ignored = new Map<string, number>();
    const erasures = new Set<string>();
    const drift: Drift[] = [];
    for (const item of unpacked.items) {
      try {
        const forgotten = erase.map((rule) => rule(item)).filter((entity) => entity !== null);
        const made = map(item.body, item);
        if (made.length === 0 && forgotten.length === 0) ignored.set(item.kind, (ignored.get(item.kind) ?? 0) + 1);
        events.push(...made.map((event) => outgoing(event, item)));
        for (const entity of forgotten) erasures.add(entity);
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        const { reason, message } = error;
        refused.push({ reason, detail: message, raw: rawOf(item, unpacked.items, raw), kind: item.kind });
        const found = differs(item);
        if (found.length === 0 && reason === 'MISSING_ENTITY') drift.push(noEntity(source.name, item.kind));
        else drift.push(...found);
      }
    }
    const { items, gaps } = unpacked;
    const versions = items.flatMap(({ kind, version }) => (version === undefined ? [] : [[kind, version] as const]));
    return { events, refused, ignored, erasures: [...erasures], gaps, drift, versions };
  };
}

/** Of events that no map made, and of who is to be forgotten. */
const noEntity = (source: string, kind: string): Drift => ({
  ...{ kind: 'lost_field', source, event_type: shownKind(kind), schema_version: null },
  ...{ field: 'entity', found: 'undefined', allowed: 'string' },
});

/** Whatever somebody else's code throws refuses the item; what it said may hold the payload, so its name alone is told. */
function guarded(mapWith: MapModule): MapModule {
  return (body, item) => {
    try {
      return mapWith(body, item);
    } catch (error) {
      const name = error instanceof Error ? error.name : typeName(error);
      throw new Rejection('INVALID_ENVELOPE', `mapWith: found it throwing ${name}; allowed: events, or none`);
    }
  };
}

function mapOf(source: SourceIR, contracts: readonly ContractIR[]): MapModule {
  if (source.envelope === 'canonical') return (body) => [body as MappedEvent];
  const map = compileMap(source.name, source.map, contracts);
  return (_body, item) => {
    const event = map(item);
    return event === null ? [] : [event];
  };
}

/** Null: it forgets nobody. @throws Rejection where its conditions hold and there is no entity: who was meant is not lost */
function compileErase({ when, entity }: EraseRuleIR): (item: Item) => string | null {
  const holds = compileConditions(when);
  const entityOf = compileEntity(entity);
  return ({ body }) => {
    if (!holds(body)) return null;
    const found = entityOf(body);
    if (found !== null) return found;
    throw new Rejection(
      'MISSING_ENTITY',
      'erase: found no entity where the rule looks; allowed: a text, or a whole number',
    );
  };
}

/** @throws Rejection where it is about nobody, as only an event can be that was not mapped */
function outgoing(event: MappedEvent, { kind }: Item): OutgoingEvent {
  const { event_id, entity_id } = event;
  if (typeof entity_id === 'string' && entity_id !== '') return { event_id, entity_id, data: bytesOf(event), kind };
  throw new Rejection('MISSING_ENTITY', `entity_id: found ${typeName(entity_id)}; allowed: a text`);
}

/** Of a record of one item its own bytes, so that it can be read again; of several the item alone. */
const rawOf = (item: Item, all: readonly Item[], raw: Uint8Array): Uint8Array =>
  all.length === 1 ? raw : (item.raw?.() ?? bytesOf(item.body));
