/** Odd requests at the front door of every HTTP source. What must hold, whatever comes, is checked here. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { answer } from '../../lambdas/intake-http/front-door.ts';
import { Door } from '../lambdas/intake-http/door.ts';
import { KEYS, type Sent } from '../lambdas/intake-http/providers.ts';
import { Chance } from '../simulation/chance.ts';
import { oddRequest } from './odd-bodies.ts';

/** Of a request, everything that may be said of it: it can't be read, it isn't yours, and try again. */
const REFUSALS = new Set([400, 401, 403, 405, 413, 415, 503]);
/** No request takes longer than this on a machine that is busy (ms). */
const SLOW_MS = 2000;
/** Above what the process needed after the first tenth (bytes). */
const GROWTH = 4 * 1024 * 1024;

export interface DoorRun {
  readonly problems: readonly string[];
  /** By status, and events, refused, ignored. */
  readonly counts: Readonly<Record<string, number>>;
  /** Bytes of the heap after the garbage collector: at a tenth, and at the end. */
  readonly heap: readonly [number, number];
  /** The longest request (ms). */
  readonly slowest: number;
}

/** @param ways what answers a request; a planted bug replaces it */
export async function fuzzDoor(source: string, seed: number, requests: number, ways = answer): Promise<DoorRun> {
  const chance = new Chance(seed);
  const door = new Door(source, {}, ways);
  const run = new Run(door);
  let early = 0;
  for (let i = 0; i < requests; i++) {
    if (i === Math.floor(requests / 10)) early = await heapNow();
    await run.one(i, oddRequest(source, chance), chance.of(0.03));
  }
  const late = await heapNow();
  if (requests >= 10_000 && late - early > GROWTH) run.problem(requests, `the heap grew by ${late - early} bytes`);
  return { problems: run.problems, counts: run.counts, heap: [early, late], slowest: Math.round(run.slowest) };
}

class Run {
  readonly problems: string[] = [];
  readonly counts: Record<string, number> = {};
  slowest = 0;
  private readonly door: Door;

  constructor(door: Door) {
    this.door = door;
  }

  problem(request: number, words: string): void {
    this.problems.push(`${this.door.source}, request ${request}: ${words}`);
  }

  /** @param refusing the stream takes nothing of this one */
  async one(request: number, { sent, body }: ReturnType<typeof oddRequest>, refusing: boolean): Promise<void> {
    const { door } = this;
    // A container that lives long would keep what tests look at.
    door.clear();
    door.refusing = refusing ? 'stream' : null;
    const from = performance.now();
    const answered = await door.send(sent).catch((error: unknown) => this.problem(request, `raised ${String(error)}`));
    const ms = performance.now() - from;
    this.slowest = Math.max(this.slowest, ms);
    if (ms > SLOW_MS) this.problem(request, `took ${Math.round(ms)} ms`);
    if (!answered) return;
    this.count(String(answered.statusCode), 1);
    if (door.errors.length > 0) this.problem(request, `an error of ours: ${String(door.errors[0])}`);
    if (answered.statusCode < 300) this.acknowledged(request, sent, body);
    else if (!REFUSALS.has(answered.statusCode)) this.problem(request, `answered ${answered.statusCode}`);
    else if (door.events.length > 0) this.problem(request, `answered ${answered.statusCode} to what it took`);
  }

  /** Every fact of the body, counted by a way of its own, is an event, in the quarantine, or ignored on purpose. */
  private acknowledged(request: number, sent: Sent, body: Uint8Array | string): void {
    if (sent.method !== 'POST') return;
    const { source, events, quarantined, erased, ignored } = this.door;
    const facts = factsOr(source, body);
    if (facts === null) {
      this.problem(request, 'answered 2xx to what is none of its provider');
      return;
    }
    const kept = events.length + quarantined.length + ignored;
    if (kept + erased.length < facts || kept > facts) this.problem(request, `${facts} facts became ${kept}`);
    for (const { event_id, entity_id, source: from } of events)
      if (from !== source || !String(event_id).startsWith(`${source}:`) || !entity_id)
        this.problem(request, 'an event that is none');
    if (quarantined.some(({ raw, detail }) => raw.length === 0 || KEYS.some((key) => detail.includes(key))))
      this.problem(request, 'a refusal without bytes, or with a key');
    for (const [name, value] of Object.entries({ events: events.length, refused: quarantined.length, ignored }))
      this.count(name, value);
  }

  private count(name: string, value: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + value;
  }
}

type Loose = { readonly [name: string]: Loose } & readonly Loose[];

/** Null: it is nothing that has facts. */
function factsOr(source: string, body: Uint8Array | string): number | null {
  try {
    return factsIn(source, body);
  } catch {
    return null;
  }
}

/** By its text alone, without the envelopes. */
function factsIn(source: string, body: Uint8Array | string): number {
  const text = Buffer.from(body).toString('utf8');
  if (source === 'crm')
    return text.replace(/<!--.*?-->|<!\[CDATA\[.*?\]\]>/gs, '').match(/<(\w+:)?Notification[\s>/]/g)?.length ?? 0;
  const root = JSON.parse(text) as Loose;
  if (source === 'web' || source === 'warehouse') return root.batch === undefined ? 1 : root.batch.length;
  if (source === 'logs')
    return (root.resourceLogs ?? []).flatMap(({ scopeLogs }) =>
      (scopeLogs ?? []).flatMap(({ logRecords }) => logRecords ?? []),
    ).length;
  if (source !== 'x_old') return 1;
  const arrays = Object.entries(root).filter(([name]) => name.endsWith('_events'));
  return arrays.reduce((sum, [, events]) => sum + events.length, root.user_event === undefined ? 0 : 1);
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** What is let go in a turn of the event loop is free in the next: one collection in one turn sees half of it. */
/** Bytes in use after the garbage collector. */
export async function heapNow(): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    gc();
    await new Promise((done) => setImmediate(done));
  }
  return process.memoryUsage().heapUsed;
}
