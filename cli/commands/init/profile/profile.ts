/** What a file's rows look like, column by column: one pass over all of them, in memory that does not grow with it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../../../errors.ts';
import { inputFiles } from '../../../input/files.ts';
import { readRows } from '../../../input/rows/read.ts';
import type { BadRow, Row } from '../../../input/rows/row.ts';
import { snake } from '../names.ts';
import { Column } from './column.ts';

/** Objects within each other that are looked into. */
const DEPTH = 8;
/** Objects whose keys are values would make a column a key. */
const MAX_COLUMNS = 1000;
const BAD_SHOWN = 5;
/** Columns that may be the id, told exactly: each costs some bytes a row while no value of it comes twice. */
const MAX_ID_COLUMNS = 4;
const ID_NAME = /(^|_)(id|uuid|guid|key|no|nr|number|ref|reference|order|invoice|transaction|receipt)$/;

export interface Profile {
  readonly files: readonly string[];
  readonly rows: number;
  readonly columns: readonly Column[];
  /** How many, and the first ones. */
  readonly bad: { readonly count: number; readonly first: readonly BadRow[] };
  /** More columns than were looked at. */
  readonly truncated: boolean;
}

/** @throws CliError that names a file which can't be read wholly */
export async function profileOf(names: readonly string[], onRows: (rows: number) => void): Promise<Profile> {
  for (const name of names) requireNoTable(name);
  const files = await inputFiles(names);
  const table = new Table();
  const bad: BadRow[] = [];
  let [rows, wrong] = [0, 0];
  for (const file of files) {
    for await (const row of readRows(file)) {
      if ('reason' in row) {
        if (++wrong <= BAD_SHOWN) bad.push(row);
        continue;
      }
      table.add(row);
      if (++rows % 1000 === 0) onRows(rows);
    }
  }
  const { columns, truncated } = table;
  return { files, rows, columns: [...columns.values()], bad: { count: wrong, first: bad }, truncated };
}

/** Its files hold rows that were deleted or replaced, too: only the table's own reader knows which. @throws CliError */
function requireNoTable(folder: string): void {
  const of = existsSync(join(folder, '_delta_log')) ? 'a Delta' : hasMetadata(folder) ? 'an Iceberg' : null;
  if (of === null) return;
  throw new CliError(
    `${folder} is ${of} table, whose files also hold rows that were deleted or replaced: export its current rows as Parquet, such as by spark.table('…').write.parquet('…').`,
    2,
  );
}

function hasMetadata(folder: string): boolean {
  const metadata = join(folder, 'metadata');
  return existsSync(metadata) && readdirSync(metadata).some((name) => name.endsWith('.metadata.json'));
}

class Table {
  readonly columns = new Map<string, Column>();
  truncated = false;
  private ids = 0;

  add({ values, place }: Row): void {
    this.walk(values, '', '', place, 0);
  }

  private walk(object: object, pointer: string, label: string, place: string, depth: number): void {
    for (const [key, value] of Object.entries(object)) {
      const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const name = label === '' ? key : `${label}.${key}`;
      if (value === null) this.column(at, name);
      else if (typeof value === 'object' && !Array.isArray(value) && depth < DEPTH) {
        // A value beside objects: neither can be the column.
        if (this.columns.has(at)) this.column(at, name)?.add(value, place);
        this.walk(value, at, name, place, depth + 1);
      } else this.column(at, name)?.add(value, place);
    }
  }

  private column(pointer: string, label: string): Column | undefined {
    const known = this.columns.get(pointer);
    if (known) return known;
    if (this.columns.size >= MAX_COLUMNS) {
      this.truncated = true;
      return undefined;
    }
    const mayBeId = ID_NAME.test(snake(label)) && this.ids < MAX_ID_COLUMNS;
    if (mayBeId) this.ids++;
    const column = new Column(pointer, label, mayBeId);
    this.columns.set(pointer, column);
    return column;
  }
}
