import { Rejection } from '../../ir/rejection.ts';
import type { Envelope } from '../envelope.ts';
import { kindOf, objectAt, textAt, unpackObject } from './object-body.ts';

/**
 * A Stripe event with its snapshot (https://docs.stripe.com/api/events/object): the body of a webhook, or the `detail` of
 * the event on a partner bus. Item: the event itself, by its id `evt_…`.
 *
 * A thin event holds no data but where to ask for them, and nothing here asks Stripe: it is refused.
 */
export const stripe: Envelope = {
  name: 'stripe',
  unpack: (raw) =>
    unpackObject(raw, (event) => {
      if (event.object === 'v2.core.event')
        throw new Rejection(
          'INVALID_ENVELOPE',
          'object: found a thin event, which has no data; allowed: snapshots; set event_payload: snapshot on the event destination in Stripe',
        );
      if (event.object !== 'event')
        throw new Rejection('INVALID_ENVELOPE', "object: found no Stripe event; allowed: 'event', with its snapshot");
      const [id, type] = [textAt(event.id, 'id'), textAt(event.type, 'type')];
      objectAt(objectAt(event.data, 'data').object, 'data.object');
      const { api_version: version } = event;
      const item = { body: event, id, kind: kindOf(type), ...(typeof version === 'string' && { version }) };
      return { items: [item], refused: [], gaps: [] };
    }),
};
