/** What the Spark jobs read of all names: glue-scripts/tidemark_spark/names.json, which `npm run names` writes. */
import { NDJSON, OBJECT, PREFIX } from './lake.ts';

export const DOCUMENT = new URL('../glue-scripts/tidemark_spark/names.json', import.meta.url);

/** The text of the document. */
export function documentOf(): string {
  return `${JSON.stringify({ prefix: PREFIX, ndjson: NDJSON, object: OBJECT }, null, 2)}\n`;
}
