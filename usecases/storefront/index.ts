import { defineUseCase } from 'tidemark';
import { contact, order, payment, usage } from './events.ts';
import { features } from './features.ts';
import { sources } from './sources.ts';

/** A shop whose customers are known by fifteen systems: one event of each becomes a feature of the same customer. */
export default defineUseCase({
  name: 'storefront',
  entity: 'customer',
  contracts: [payment, order, contact, usage],
  views: { customer: { entity: 'customer', features } },
  sources,
});
