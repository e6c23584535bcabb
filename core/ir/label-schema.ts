/** What is predicted. */
import { z } from 'zod';
import { ms, name, predicateSchema } from './schema-parts.ts';

export const labelSchema = z.strictObject({
  name,
  kind: z.literal('no_event'),
  event_type: name,
  where: z.array(predicateSchema),
  horizon_ms: ms.positive(),
  /** A spine row needs at least one matching event before t. */
  eligible: z.strictObject({ event_type: name }),
});
