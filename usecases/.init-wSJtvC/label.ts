/** Who has no purchase in the 90d from an instant on. Edit it: another horizon, or only some purchases (`where`). */
import { noEvent } from 'tidemark';
import { purchase } from './events.ts';

export const silent = noEvent({ name: 'falls_silent', of: purchase, horizon: '90d' });
