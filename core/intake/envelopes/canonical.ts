/** Events as our own producers write them: one object, or an array of them. They are put as they are. */
import type { EnvelopeOptions } from '../../ir/source-options.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { Envelope } from '../envelope.ts';
import { itemsOf } from './json.ts';

export const canonical: Envelope<EnvelopeOptions<'canonical'>> = {
  name: 'canonical',
  unpack: (raw) =>
    refusedWhole(raw, () => {
      const body = bodyOf(raw);
      return itemsOf(Array.isArray(body) ? body : [body], { id: '/event_id', kind: '/event_type' });
    }),
};
