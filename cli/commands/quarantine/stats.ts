/** How much of what is refused, by whom and when, with what drifts meanwhile. */
import { daysOf, isMarked, sourceOf } from '../../../engine/quarantine/lines.ts';
import { dayOf } from '../../../names/lake.ts';
import type { DriftExample } from '../../../names/reports.ts';
import type { OpenStage } from '../../stage/stage.ts';
import { lakeOf, sentence, wantedLines } from './look.ts';
import { type FilterOptions, wantedOf } from './options.ts';

/** Lines of one reason, source and day. */
interface Count {
  readonly day: string;
  readonly source: string;
  readonly reason: string;
  lines: number;
  /** Of these, what was put back. */
  redriven: number;
}

/** `tidemark quarantine stats` */
export async function stats(stage: OpenStage, options: FilterOptions): Promise<void> {
  const lake = lakeOf(stage);
  const wanted = wantedOf(options);
  const counts = new Map<string, Count>();
  const drift = await stage.step('Read the quarantine', async ({ onState }) => {
    const marked = await lake.marked(daysOf({ since: wanted.since }));
    for await (const line of wantedLines(lake, wanted, (seen) => onState(`${seen} objects`))) {
      const { day, source, reason } = { day: dayOf(line.arrival), source: sourceOf(line), reason: line.reason };
      const key = `${day} ${source} ${reason}`;
      const count = counts.get(key) ?? { day, source, reason, lines: 0, redriven: 0 };
      counts.set(key, count);
      count.lines++;
      if (isMarked(line, marked)) count.redriven++;
    }
    const days = { from: dayOf(wanted.since), ...(wanted.until === undefined ? {} : { to: dayOf(wanted.until) }) };
    return (await lake.drift(days)).filter(
      ({ source, event_type }) =>
        (wanted.sources?.has(source) ?? true) && (wanted.event_types?.has(event_type) ?? true),
    );
  });
  const sorted = [...counts.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  console.log(options.json ? JSON.stringify({ counts: sorted, drift }) : readable(sorted, drift));
}

const keyOf = ({ day, source, reason }: Count) => `${day} ${source} ${reason}`;

function readable(counts: readonly Count[], drift: readonly DriftExample[]): string {
  const rows = [
    ['day', 'source', 'reason', 'lines', 'put back'],
    ...counts.map(({ day, source, reason, lines, redriven }) => [
      day,
      source || '-',
      reason,
      String(lines),
      String(redriven),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  // The lake lists them by day.
  const days = new Map<string, string[]>();
  for (const { day, ...one } of drift) {
    const text = `${one.source || '-'}  ${one.event_type || '-'}@${one.schema_version ?? '-'}  ${sentence(one)}`;
    days.set(text, [...(days.get(text) ?? []), day]);
  }
  const changes = [...days].map(([text, on]) => `${text}  ${[...new Set([on[0], on.at(-1)])].join(' to ')}`);
  return [
    ...(counts.length === 0 ? ['Nothing was refused.'] : table),
    '',
    ...(changes.length === 0
      ? ['Nothing drifted.']
      : ['What differed from the contracts (source, type, name and JSON type, never a value):', ...changes]),
  ].join('\n');
}
