/** What the Spark jobs read of all names: glue-scripts/tidemark_spark/names.json, which `npm run names` writes. */
import { argumentsByScript, WEEKLY } from './jobs.ts';
import {
  CUTOVER,
  CUTOVER_KEY,
  ERASED_KEY,
  EXPERIMENT_KEY,
  FEATURES_KEYS,
  FENCE_KEY,
  IMPORT_KEY,
  STATE_ATTRIBUTES,
} from './keys.ts';
import { CONTENT, CONTENT_DIGITS, NDJSON, OBJECT, PREFIX } from './lake.ts';
import { ARCHIVE_DAYS, MAX_EVENT_BYTES, MAX_ITEM_BYTES, MAX_STATE_BYTES } from './limits.ts';

export const DOCUMENT = new URL('../glue-scripts/tidemark_spark/names.json', import.meta.url);

/** The text of the document. */
export function documentOf(): string {
  const names = {
    prefix: PREFIX,
    ndjson: NDJSON,
    content: { metadata: CONTENT, digits: CONTENT_DIGITS },
    object: OBJECT,
    arguments: argumentsByScript(),
    weekly: WEEKLY,
    features_keys: FEATURES_KEYS,
    item: {
      fence: FENCE_KEY,
      cutover: CUTOVER_KEY,
      erased: ERASED_KEY,
      import: IMPORT_KEY,
      experiment: EXPERIMENT_KEY,
    },
    cutover: CUTOVER,
    state_attributes: STATE_ATTRIBUTES,
    limit: {
      event_bytes: MAX_EVENT_BYTES,
      item_bytes: MAX_ITEM_BYTES,
      state_bytes: MAX_STATE_BYTES,
      archive_days: ARCHIVE_DAYS,
    },
  };
  return `${JSON.stringify(names, null, 2)}\n`;
}
