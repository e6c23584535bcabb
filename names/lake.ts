/** Where the lake bucket holds what: everything that writes or reads it says so here. */

/** `archive/<kind>/dt=2017-11-15/<shard>/<first>-<last>.ndjson.gz`: the same batch always has the same key. */
export function archiveKey(
  kind: 'events' | 'quarantine',
  arrival_ms: number,
  shard: string,
  first: string,
  last: string,
): string {
  return `archive/${kind}/dt=${new Date(arrival_ms).toISOString().slice(0, 10)}/${shard}/${first}-${last}.ndjson.gz`;
}
