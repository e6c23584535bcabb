import { decodeRecord } from '../../admission/record.ts';
import { Rejection } from '../../ir/rejection.ts';
import type { EnvelopeOptions } from '../../ir/source-options.ts';
import { refusedWhole } from '../body.ts';
import type { Envelope, Item } from '../envelope.ts';
import { kindOf } from './object-body.ts';
import { type Element, parseXml } from './soap.ts';

const MAX_BYTES = 6 * 1024 * 1024;
/** Salesforce puts no more into one message. */
const MOST = 100;
type Members = { readonly [name: string]: Element | readonly Element[] };

/**
 * A Salesforce outbound message, SOAP with up to 100 notifications
 * (https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_notifications.htm). Item:
 * the `sObject` of each: its fields as texts (null where Salesforce says nil), and `attributes.type` as the REST API has it,
 * by the notification's id.
 *
 * Nothing is signed, so the option `organisation` (15 or 18 characters) must be the message's. The whole message is refused
 * where a part of it can't be read: Salesforce sends all of it again, and Ack is for all of it.
 */
export const salesforceOutbound: Envelope<EnvelopeOptions<'salesforce_outbound'>> = {
  name: 'salesforce_outbound',
  unpack: (raw, _context, { organisation }) =>
    refusedWhole(raw, () => {
      const found = itemsOf(parseXml(decodeRecord(raw, MAX_BYTES)), organisation);
      // No part of XML is a message of its own; the whole again is the same events again.
      return { items: found.map((item) => ({ ...item, raw: () => raw })), refused: [], gaps: [] };
    }),
};

function itemsOf(root: Element, organisation: string): Item[] {
  const message = child(child(child(root, 'Envelope'), 'Body'), 'notifications');
  const organization = textOf(message.OrganizationId);
  // The last three characters are a checksum of the others' case.
  if (organization?.slice(0, 15) !== organisation.slice(0, 15))
    throw new Rejection(
      'INVALID_ENVELOPE',
      "OrganizationId: found none or another; allowed: the source's organisation",
    );
  // A key to the organisation: it must not lie in a quarantine.
  if (textOf(message.SessionId) !== null)
    throw new Rejection(
      'INVALID_ENVELOPE',
      "SessionId: found one; allowed: none; clear 'Send Session ID' of the outbound message in Salesforce",
    );
  const { Notification: given } = message;
  const notifications = given === undefined ? [] : Array.isArray(given) ? given : [given];
  if (notifications.length === 0 || notifications.length > MOST)
    throw new Rejection('INVALID_ENVELOPE', `Notification: found ${notifications.length}; allowed: 1 to ${MOST}`);
  return notifications.map(itemOf);
}

function itemOf(notification: Element): Item {
  const id = isMembers(notification) ? textOf(notification.Id) : null;
  if (id === null) throw new Rejection('INVALID_ENVELOPE', 'Notification.Id: found none; allowed: one a notification');
  const { '@type': type, ...fields } = child(notification, 'sObject');
  const name = textOf(type)?.replace(/^.*:/, '') ?? null;
  const body = { ...fields, attributes: { type: name } };
  return { body, id, kind: kindOf(name) };
}

function child(element: Element, name: string): Members {
  const found = isMembers(element) ? element[name] : undefined;
  if (isMembers(found)) return found;
  throw new Rejection('INVALID_ENVELOPE', `${name}: found none or several; allowed: one, as in Salesforce's WSDL`);
}

function isMembers(element: Element | readonly Element[] | undefined): element is Members {
  return typeof element === 'object' && element !== null && !Array.isArray(element);
}

function textOf(element: Element | readonly Element[] | undefined): string | null {
  return typeof element === 'string' && element !== '' ? element : null;
}
