/** Files by their formats. */
import type { CarriageOptions } from '../../ir/source-options.ts';
import { albRows, cloudfrontRows } from './access-logs.ts';
import { csvRows } from './csv.ts';
import { jsonRows } from './json.ts';
import { ndjsonRows } from './ndjson.ts';
import type { RowReader } from './row.ts';

/** What reads the files of a source. */
export function rowReader(options: CarriageOptions<'files'>): RowReader {
  switch (options.format) {
    case 'ndjson':
      return ndjsonRows;
    case 'json':
      return jsonRows;
    case 'csv':
      return csvRows(options);
    case 'cloudfront':
      return cloudfrontRows;
    case 'alb':
      return albRows;
  }
}
