/** How what belongs to a source is called on both sides of a deployment. */

const SHARD = /^intake-([a-z][a-z0-9_]{0,31})-([a-z]+)$/;

/** The shard of what a source's function refused, which never came to the stream. */
export const intakeShard = (source: string, carriage: string): string => `intake-${source}-${carriage}`;

/** The source and the way of such a shard; undefined for a shard of the stream. */
export function intakeOf(shard: string): { readonly source: string; readonly carriage: string } | undefined {
  const [, source, carriage] = SHARD.exec(shard) ?? [];
  return source === undefined || carriage === undefined ? undefined : { source, carriage };
}

/** Where the files of a source land in their bucket. */
export const landingPrefix = (source: string): string => `landing/${source}/`;

/** Where an HTTP source takes requests. */
export const sourcePath = (source: string): string => `/v1/in/${source}`;

/** Beside the bundle of a source's function, where its map is a module of the use case. */
export const MAP_MODULE = 'map.mjs';
