/** How a row of the file becomes an event: whom it is about, when it happened, and which columns go on. */
import { at, rule, source } from 'tidemark';
import { purchase } from './events.ts';

export const purchaseRows = source('purchases', {
  envelope: 'rows',
  via: [{ kind: 'files' }],
  map: [
    rule({
      event: purchase,
      entity: at('/customer_id'),
      // A row has no id of its own: the hash of its content is one, and its place among equal rows of its file.
      time: { from: '/date', format: 'yyyyMMdd', timeZone: 'UTC' },
      properties: {
        number_of_cds: at('/number_of_cds'),
        dollar_value: at('/dollar_value'),
      },
    }),
  ],
});
