import type { SourceIR } from '../../../core/ir/document.ts';
import { CARRIAGE_OPTIONS } from '../../../core/ir/source-options.ts';
import { sourcePath } from '../../../names/sources.ts';

/** What is known of a deployment's sources. */
export interface Known {
  /** Of the HTTP API; undefined where it is not deployed. */
  readonly url: string | undefined;
  /** By the source's name; undefined of one whose secret is not there. */
  readonly keys: Readonly<Record<string, number>>;
  /** What the stage's configuration gives, by the source's name. */
  readonly configured: Readonly<Record<string, object>>;
  /** How a command is told which deployment it is about. */
  readonly flags: string;
}

/** A line for each way of each source: where it comes to, or what is missing. */
export function sourceLines(sources: readonly SourceIR[], known: Known): string[] {
  const rows = sources.flatMap((source) =>
    source.via.map((way) => [source.name, source.envelope, way.kind, whereOf(source, way, known)]),
  );
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
}

function whereOf({ name }: SourceIR, way: SourceIR['via'][number], { url, keys, configured, flags }: Known): string {
  if (way.kind !== 'http') {
    const given = Object.keys(configured[name] ?? {}).length > 0;
    return given ? "as the stage's configuration says" : "nothing in the stage's configuration (sources)";
  }
  const count = keys[name];
  if (url === undefined || count === undefined) return `not deployed: npx tidemark deploy ${flags}`;
  const { verify } = CARRIAGE_OPTIONS.http.parse(way.options);
  const address = `${url.replace(/\/$/, '')}${sourcePath(name)}${verify.scheme === 'path' ? '/<key>' : ''}`;
  return count === 0
    ? `${address}  no keys: npx tidemark source secret ${name} ${flags}`
    : `${address}  ${count} ${count === 1 ? 'key' : 'keys'}`;
}
