/** Keys and attributes of the two tables, which functions, jobs and commands read and write alike. */

/** Attributes of the keys, and the one by whose time (s UTC) DynamoDB collects an item. */
export const FEATURES_KEYS = { partition: 'entity_id', sort: 'view', expires: 'expires_at' } as const;
export const SCORES_KEYS = { partition: 'entity_id', sort: 'kind', expires: 'expires_at' } as const;

/** Of an item of the features table. @param view version of the view, or what stands there in an item about no entity */
export const featuresKey = (entity_id: string, view: string) => ({ entity_id: { S: entity_id }, view: { S: view } });

/** Of an item of the table of scores. */
export const scoresKey = (entity_id: string, kind: string) => ({ entity_id: { S: entity_id }, kind: { S: kind } });

// Items about no entity begin with #, as no entity_id does.

/** Whether a view version may serve: an item with `ready` for each. */
export const FENCE_KEY = '#fence';
/** From where on a view version applies each shard: an item for each version. Stored as `#join`. */
export const CUTOVER_KEY = '#join';
/** The clock of a replay, in both parts of the key. */
export const CLOCK_KEY = '#clock';
/** Tombstones; the sort key is `tombstoneOf` the entity. */
export const ERASED_KEY = '#erased';
/**
 * Both parts of the key of the item that counts the changes of the list of tombstones, so that its readers ask one small item
 * whether they have to read the list again.
 */
export const ERASURES_KEY = '#erasures';

/** How far the tables of sources were imported; the sort key is `<source>#<carriage>`. */
export const IMPORT_KEY = '#import';

/** The last training that was let in; the sort key is the model's name. */
export const RETRAINING_KEY = '#retraining';

/** Sort key of an entity's last score. */
export const SCORE_KIND = 'score';
/** Partition key of the experiments' records in the table of scores: they are about no entity. */
export const EXPERIMENT_KEY = '#experiment';
/** Sort key of the record of the one that runs; of one that ended it is the experiment's name. */
export const RUNNING_KIND = '#running';
/** What the sort keys of all alerts begin with. */
export const ALERT_KIND = 'alert#';
/** Sort key of an alert. @param t of the score, ms UTC */
export const alertKind = (t: number): string => `${ALERT_KIND}${t}`;
/** Sort key of an entity's alert that waits for its turn. */
export const WAITING_KIND = 'waiting';
/** What the sort keys of alerts begin with that nobody was told of. */
export const SUPPRESSED_KIND = 'suppressed#';
/** Sort key of one. @param t of the score, ms UTC */
export const suppressedKind = (t: number): string => `${SUPPRESSED_KIND}${t}`;
/** What the sort keys of outcomes begin with. */
export const OUTCOME_KIND = 'outcome#';
/** Sort key of an outcome of an alert. @param t of the alert's score, ms UTC. @param said_at ms UTC. @param id of what was said */
export const outcomeKind = (t: number, said_at: number, id: string): string => `${OUTCOME_KIND}${t}#${said_at}#${id}`;
/** Index over the alerts that wait: only they have its key. */
export const WAITING_INDEX = { name: 'waiting', partition: 'waiting', value: 'yes' } as const;

/** Counts about no entity: `day#<yyyy-mm-dd>` how many alerts were released, `rate#<ms>` scores in a window of that width. */
export const ALERTS_KEY = '#alerts';
export const dayKind = (day: string): string => `day#${day}`;
export const rateKind = (window_ms: number): string => `rate#${window_ms}`;

/** Attributes of an item about cutovers, beside a shard's name with the position from which the version applies it. */
export const CUTOVER = {
  /** When the version cuts over, ms UTC. */
  joins_at: 'joins_at',
  /** Since when functions run that do not keep the version up, ms UTC; nothing cuts over meanwhile. */
  retired_at: 'retired_at',
  /** Before a shard's name: the last position that was left to the backfill, padded to `digits`. */
  left: 'left#',
  digits: 64,
} as const;

/** Attributes of an item that holds a state, beside its key. Times in ms UTC, `expires_at` in s. */
export const STATE_ATTRIBUTES = [
  'state',
  'version',
  'watermarks',
  'newest_event_time',
  'newest_available_at',
  'expires_at',
  'joined',
  'seeded',
  'heal',
  'base',
  'base_watermarks',
] as const;
export type StateAttribute = (typeof STATE_ATTRIBUTES)[number];
