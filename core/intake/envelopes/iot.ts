/**
 * A message of a device, as the rule that the construct makes selects it: topic(), timestamp() and traceid() beside the
 * payload's own bytes, which the rule's SQL would read and write anew
 * (https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html).
 */
import { Rejection } from '../../ir/rejection.ts';
import { bodyOf, refusedWhole } from '../body.ts';
import type { Envelope } from '../envelope.ts';
import { msOrNull, textOrNull } from './change-item.ts';
import { objectAt, textAt } from './object-body.ts';

export const iot: Envelope = {
  name: 'iot',
  unpack: (raw) =>
    refusedWhole(raw, () => {
      const record = objectAt(bodyOf(raw), 'record');
      const topic = textAt(record.topic, 'topic');
      const { data } = record;
      if (typeof data !== 'string')
        throw new Rejection('INVALID_ENVELOPE', `data: found ${typeof data}; allowed: the payload in base64`);
      const body = {
        topic,
        timestamp: msOrNull(record.timestamp),
        traceid: textOrNull(record.traceid),
        payload: bodyOf(Buffer.from(data, 'base64')),
      };
      // No id of a message comes through a rule, and a device may send it twice: only its payload can tell.
      return { items: [{ body, id: null, kind: topic }], refused: [], gaps: [] };
    }),
};
