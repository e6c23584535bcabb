/**
 * Change events of Salesforce (Change Data Capture), as an event relay or AppFlow hands them to a bus. The relay puts the
 * change under `payload`, AppFlow's older form does not; both are read by the same rule, and so is an item's own body.
 *
 * Fields of the header: https://developer.salesforce.com/docs/atlas.en-us.260.0.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm
 */
import { typeName } from '../../ir/errors.ts';
import { Rejection } from '../../ir/rejection.ts';
import type { EnvelopeOptions } from '../../ir/source-options.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { Envelope, Gap, IntakeContext, Item, Unpacked } from '../envelope.ts';

type Options = EnvelopeOptions<'salesforce_cdc'>;
type Members = Readonly<Record<string, unknown>>;

/** What an item is made of. */
const CHANGES = ['CREATE', 'UPDATE', 'DELETE', 'UNDELETE'];
/** Salesforce changed records and does not say how: they have to be read again. */
const GAPS = ['GAP_CREATE', 'GAP_UPDATE', 'GAP_DELETE', 'GAP_UNDELETE', 'GAP_OVERFLOW'];
/** `001*`: a field's type was converted, and any record of the object may have lost data. */
const WILDCARD = '*';
/** The last three characters of an id are a checksum for systems that don't tell case. */
const SHORT_ID = 15;
/** A field, or one of a compound field; nothing that a prototype has begins so. */
const FIELD = /^[A-Za-z]\w*(\.[A-Za-z]\w*)?$/;
const RELAY = 'aws.partner/salesforce.com/';

export const salesforceCdc: Envelope<Options> = {
  name: 'salesforce_cdc',
  unpack: (raw, context, options) =>
    refusedWhole(raw, () => {
      checkOrganisation(context, options);
      const detail = objectOf(bodyOf(raw), 'detail');
      if (detail.payload === undefined) return unpacked(detail);
      // The relay names the schema of the object: another one is there as soon as a field is added or converted.
      const { schema: version } = detail;
      const found = unpacked(objectOf(detail.payload, 'payload'));
      return typeof version === 'string'
        ? { ...found, items: found.items.map((item) => ({ ...item, version })) }
        : found;
    }),
};

/** The relay's address names the organisation that sends; AppFlow's names a flow of this account. */
function checkOrganisation({ detail }: IntakeContext, { organisation }: Options): void {
  const source = detail?.source;
  if (organisation === undefined || typeof source !== 'string' || !source.startsWith(RELAY)) return;
  const sender = source.slice(RELAY.length).split('/')[0]!;
  if (sender.slice(0, SHORT_ID) === organisation.slice(0, SHORT_ID)) return;
  throw new Rejection(
    'INVALID_ENVELOPE',
    'source: found another organisation than the one of the options; allowed: what that organisation sends',
  );
}

function unpacked(payload: Members): Unpacked {
  if (payload.ChangeEventHeader === undefined) {
    throw new Rejection(
      'INVALID_ENVELOPE',
      'ChangeEventHeader: found undefined; allowed: a change event; for a platform event take the envelope json',
    );
  }
  const header = objectOf(payload.ChangeEventHeader, 'ChangeEventHeader');
  const entity = textOf(header, 'entityName');
  const change = textOf(header, 'changeType');
  if (GAPS.includes(change)) return { items: [], refused: [], gaps: [gapOf(header, entity, change)] };
  if (!CHANGES.includes(change)) {
    const allowed = [...CHANGES, ...GAPS].join(', ');
    throw new Rejection('INVALID_ENVELOPE', `ChangeEventHeader.changeType: found another text; allowed: ${allowed}`);
  }
  const records = recordsOf(header);
  if (records.some((id) => id.endsWith(WILDCARD))) {
    return { items: [], refused: [], gaps: [gapOf(header, entity, `${change} of all records`)] };
  }
  const place = `${textOf(header, 'transactionKey')}:${numberOf(header, 'sequenceNumber')}`;
  const kind = `${entity} ${change}`;
  const fields = withNulls(payload, header.nulledFields);
  // The same change of several records of one transaction comes as one event: each is told as if it had come alone.
  const items = records.map((id): Item => {
    const body = { ...fields, ChangeEventHeader: { ...header, recordIds: [id] }, Id: id };
    return { body, id: `${place}:${id}`, kind };
  });
  return { items, refused: [], gaps: [] };
}

/** Which records, the rest of the header does not say for certain: of an overflow there are no ids that mean anything. */
function gapOf(header: Members, entity: string, kind: string): Gap {
  const records = Array.isArray(header.recordIds) ? header.recordIds.length : 0;
  const at = header.commitTimestamp;
  const detail = kind === 'GAP_OVERFLOW' ? `${entity}: too many changes in a transaction` : `${entity}: ${records} ids`;
  return { kind, detail, ...(Number.isSafeInteger(at) ? { from_ms: at as number, to_ms: at as number } : {}) };
}

/** The fields with null for those that were emptied, which the body of an update leaves out; `Address.City` is in `Address`. */
function withNulls(payload: Members, nulled: unknown): Members {
  const fields: Record<string, unknown> = { ...payload };
  for (const path of Array.isArray(nulled) ? nulled : []) {
    if (typeof path !== 'string' || !FIELD.test(path)) continue;
    const [first, second] = path.split('.') as [string, string | undefined];
    if (second === undefined) fields[first] ??= null;
    else if (typeName(fields[first] ?? {}) === 'object') fields[first] = { [second]: null, ...(fields[first] ?? {}) };
  }
  return fields;
}

function recordsOf({ recordIds }: Members): readonly string[] {
  if (Array.isArray(recordIds) && recordIds.length > 0 && recordIds.every((id) => typeof id === 'string' && id !== ''))
    return [...new Set(recordIds as string[])];
  throw new Rejection(
    'INVALID_ENVELOPE',
    `ChangeEventHeader.recordIds: found ${typeName(recordIds)}; allowed: an array of one text or more`,
  );
}

function objectOf(value: unknown, name: string): Members {
  if (typeName(value) === 'object') return value as Members;
  throw new Rejection('INVALID_ENVELOPE', `${name}: found ${typeName(value)}; allowed: an object`);
}

function textOf(header: Members, name: string): string {
  const value = header[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Rejection(
    'INVALID_ENVELOPE',
    `ChangeEventHeader.${name}: found ${typeName(value)}; allowed: a text that is not empty`,
  );
}

function numberOf(header: Members, name: string): number {
  const value = header[name];
  if (Number.isSafeInteger(value)) return value as number;
  throw new Rejection('INVALID_ENVELOPE', `ChangeEventHeader.${name}: found ${typeName(value)}; allowed: a number`);
}
