/** What a row says, as the contract that every one of them has to meet: what does not, goes to the quarantine. */
import { contract, field } from 'tidemark';

export const purchase = contract('purchase', 1, {
  fields: {
    /** Seen: 1 to 99. */
    number_of_cds: field.int({ min: 0, max: 1000 }),
    /** Seen: 0 to 1286.01. `min` and `max` are in units of 10^-2. */
    dollar_value: field.decimal(2, { min: 0, max: 10_000_000 }),
  },
});
