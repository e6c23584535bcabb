/** What came from a source, before it is an event of ours. */
import type { CarriageKind, EnvelopeName } from '../ir/document.ts';
import type { RejectionReason } from '../ir/rejection.ts';

/** What comes with a record and is not in it. */
export interface IntakeContext {
  /** When it reached our front door, ms UTC. */
  readonly received_ms: number;
  readonly carriage: CarriageKind;
  /** Of the transport: topic, partition, offset, key and headers; a file's name and a line's place in it. @default - nothing */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** One fact of an envelope. */
export interface Item {
  /** Plain JSON that a map's pointers select from. */
  readonly body: unknown;
  /** The provider's id, without the source's name; null: the map has to make one of the body. */
  readonly id: string | null;
  /** What the provider calls it, such as an event type, or a table and an operation: for counts and messages, never personal. */
  readonly kind: string;
  /** Of the API or the schema it was made by, where the provider names one. @default - it names none */
  readonly version?: string;
  /** Bytes that the same envelope reads again as this item. @default - of a record of one item the record, else the body */
  readonly raw?: () => Uint8Array;
}

/** What can't be read or mapped: it goes to the quarantine, whole. */
export interface Refused {
  readonly reason: RejectionReason;
  /** Field, found type and what is allowed; never the payload. */
  readonly detail: string;
  readonly raw: Uint8Array;
  /** @default - it could not be read as far as that */
  readonly kind?: string;
}

/** What a source admits to have lost: counted, alarmed and kept as a row, never an event. */
export interface Gap {
  /** What the provider calls it, such as GAP_UPDATE. */
  readonly kind: string;
  /** Names and numbers, never a payload. */
  readonly detail: string;
  /** Between these times, ms UTC. @default - not known */
  readonly from_ms?: number;
  readonly to_ms?: number;
}

export interface Unpacked {
  readonly items: readonly Item[];
  readonly refused: readonly Refused[];
  readonly gaps: readonly Gap[];
}

/** One module of core/intake/envelopes. */
export interface Envelope<Options = unknown> {
  readonly name: EnvelopeName;
  /** Never throws on input: whatever the bytes are, they come out as items or as what is refused. */
  unpack(raw: Uint8Array, context: IntakeContext, options: Options): Unpacked;
}

/** The body that change events of all databases have, whatever their envelope, so that one map serves them. */
export interface ChangeBody {
  /** Created, updated, deleted, or read as it stood. */
  readonly op: 'c' | 'u' | 'd' | 'r';
  readonly schema: string | null;
  readonly table: string;
  /** The row; null where it is not known. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  /** Its key columns, as far as they are known. */
  readonly key: Readonly<Record<string, unknown>> | null;
  /** Of the database's log; null of a row that was read. */
  readonly position: string | null;
  /** When it was committed, ms UTC; null where that is not known. */
  readonly time_ms: number | null;
}
