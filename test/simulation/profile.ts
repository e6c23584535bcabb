/** What can go wrong, and how often in one seed: the rates are drawn too, so that some seeds have much of little (swarm). */
import type { Chance } from './chance.ts';

export const FAULT_KINDS = [
  'redelivered batch',
  'redelivered record',
  'reordered tail',
  'producer duplicate',
  'duplicate across shards',
  'misrouted record',
  'refused record',
  'record of several events',
  'partial failure',
  'throttled call',
  'throttled partition',
  'ambiguous write',
  'crash before write',
  'crash after write',
  'crash elsewhere',
  'killed by time-out',
  'zombie',
  'second poller',
  'bisect',
  'batch given up',
  'batch put again',
  'write conflict',
  'shard split',
  'shard merge',
  'codec upgrade',
  'backfill',
  'backfill beside a begun state',
  'version that came back',
  'bad state',
  'clock jump of arrivals',
  'clock jump of a function',
  'redelivered image',
  'alert published again',
  'message that comes again',
  'alert in the dead letters',
  'alert sent again',
  'outage',
  'erasure',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
export type Tally = Record<FaultKind, number>;

export function emptyTally(): Tally {
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Tally;
}

export interface Profile {
  readonly views: number;
  readonly entities: number;
  readonly facts: number;
  readonly shards: number;
  /** Concurrent batches a shard; records with one partition key stay in one. */
  readonly lanes: number;
  readonly batchSize: number;
  readonly bisect: boolean;
  readonly maxRetries: number;
  /** Whether the time of arrival comes from the events. */
  readonly replay: boolean;
  /**
   * A state remembers hardly any id, so that only watermarks tell what was applied. Then there are no copies by producers
   * and nothing is given up: both need the ids.
   */
  readonly forgetful: boolean;
  /** ms between two facts, at most. */
  readonly gap: number;
  readonly duplicates: number;
  readonly misrouted: number;
  /** Events put to any shard, as with an explicit hash key. */
  readonly scattered: number;
  readonly broken: number;
  /** Records of several events. */
  readonly bundled: number;
  readonly throttled: number;
  readonly ambiguous: number;
  readonly crash: number;
  /** Calls that take longer than a function may. */
  readonly slow: number;
  /** Of the functions that ran out of time, how many go on. */
  readonly zombies: number;
  readonly strays: number;
  readonly secondPollers: number;
  readonly reshards: number;
  /** ms by which arrival clocks of shards and clocks of functions are off, at most. */
  readonly skew: number;
  readonly clockJumps: number;
  readonly upgrade: boolean;
  /** Whether a new version of a view is released in mid-stream, and backfilled beside the traffic. */
  readonly release: boolean;
  /** Whether the release is rolled back, and comes again. */
  readonly comeBack: boolean;
  /** States whose bytes become unreadable, until they are healed. */
  readonly badStates: number;
  /** Whether the stores are gone for longer than a batch is tried. */
  readonly outage: boolean;
  /** Whether an entity is erased in mid-stream. */
  readonly erase: boolean;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function drawProfile(chance: Chance): Profile {
  const rate = (most: number) => (chance.of(0.4) ? 0 : chance.float() * most);
  const forgetful = chance.of(0.15);
  const release = chance.of(0.3);
  const maxRetries = forgetful ? Number.POSITIVE_INFINITY : chance.pick([1, 2, 4, Number.POSITIVE_INFINITY]);
  return {
    views: chance.pick([1, 2, 2, 3]),
    entities: chance.between(1, 4),
    facts: chance.between(8, 36),
    shards: chance.between(1, 3),
    lanes: chance.pick([1, 1, 2]),
    batchSize: chance.between(1, 12),
    bisect: chance.of(0.7),
    maxRetries,
    // In a replay, copies of an event have the same arrival: one behind a join can't be told from what the state began with.
    replay: !release && chance.of(0.3),
    forgetful,
    gap: chance.pick([10, 1000, 5 * MINUTE, 6 * HOUR, 5 * DAY]),
    duplicates: forgetful ? 0 : rate(0.4),
    misrouted: forgetful ? 0 : rate(0.2),
    scattered: rate(0.5),
    broken: rate(0.2),
    bundled: rate(0.5),
    throttled: rate(0.12),
    ambiguous: rate(0.12),
    crash: rate(0.08),
    slow: rate(0.06),
    zombies: chance.float(),
    strays: rate(0.4),
    secondPollers: rate(0.2),
    reshards: chance.pick([0, 0, 1, 2, 4]),
    // A join trusts the arrival clocks of Kinesis to be less than two minutes apart; and what arrived by a clock that is far
    // ahead, and is put again when that is right, comes from the future.
    skew: chance.pick(release || maxRetries < 9 ? [0, 5, MINUTE] : [0, 0, 5, 10 * MINUTE, DAY]),
    clockJumps: chance.pick([0, 2, 6]),
    upgrade: chance.of(0.4),
    release,
    comeBack: release && chance.of(0.5),
    badStates: chance.pick([0, 0, 1, 3]),
    outage: maxRetries < 9 && chance.of(0.25),
    erase: chance.of(0.2),
  };
}
