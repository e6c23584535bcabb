/** music: read on in README.md, then events, sources, features, label, model. */
import { defineUseCase } from 'tidemark';
import { purchase } from './events.ts';
import { view } from './features.ts';
import { silent } from './label.ts';
import { model } from './model.ts';
import { purchaseRows } from './sources.ts';

export default defineUseCase({
  name: 'music',
  entity: 'customer',
  contracts: [purchase],
  sources: [purchaseRows],
  views: { music: view },
  label: silent,
  model,
});
