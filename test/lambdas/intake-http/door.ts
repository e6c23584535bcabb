/** The front doors of test/fixtures/usecases/doors in memory: the real ones, with lists for stream and quarantine. */
import type { Refused } from '../../../core/intake/envelope.ts';
import { compileSource } from '../../../core/intake/intake.ts';
import { CARRIAGE_OPTIONS } from '../../../core/ir/source-options.ts';
import type { PutRecord } from '../../../engine/intake/put-all.ts';
import { type IntakePorts, take } from '../../../engine/intake/take.ts';
import type { Answer } from '../../../lambdas/intake-http/answers.ts';
import { answer, type FrontDoor } from '../../../lambdas/intake-http/front-door.ts';
import { SourceKeys } from '../../../lambdas/intake-http/keys.ts';
import doors from '../../fixtures/usecases/doors/index.ts';
import { eventOf, KEYS, NOW, type Sent } from './providers.ts';

export const SOURCES = doors.sources!.map(({ name }) => name);

/** Nobody waits for a stream that refuses in a list. */
const NO_PAUSE = { pause: () => Promise.resolve() };

/** A source's door. Settings may be changed between requests. */
export class Door {
  readonly source: string;
  readonly put: PutRecord[] = [];
  readonly quarantined: Refused[] = [];
  readonly erased: string[] = [];
  /** Items that no rule asks for. */
  ignored = 0;
  readonly errors: unknown[] = [];
  secret: string | Error = JSON.stringify({ keys: KEYS });
  /** How often the secret was read. */
  reads = 0;
  /** ms UTC. */
  now = NOW;
  /** `stream`: it takes nothing. `quarantine`: nothing can be kept there. */
  refusing: 'stream' | 'quarantine' | null = null;
  private readonly door: FrontDoor;
  private readonly answer: typeof answer;

  /** @param changed options of its way. @param way what answers; the fuzzing plants bugs in it */
  constructor(source: string, changed: Partial<FrontDoor['options']> = {}, way = answer) {
    this.source = source;
    this.answer = way;
    const ir = doors.sources!.find(({ name }) => name === source)!;
    const onError = (error: unknown) => void this.errors.push(error);
    const now = () => this.now;
    const read = async () => {
      this.reads++;
      if (typeof this.secret === 'string') return this.secret;
      throw this.secret;
    };
    this.door = {
      envelope: ir.envelope,
      options: { ...CARRIAGE_OPTIONS.http.parse(ir.via[0]!.options), ...changed },
      keys: new SourceKeys(read, now, onError),
      intake: compileSource(ir, doors.contracts),
      take: async (record, taken) => {
        const way = { name: source, carriage: 'http', intake: () => taken } as const;
        const result = await take([record], way, this.ports, NO_PAUSE);
        for (const count of result.ignored.values()) this.ignored += count;
        return result;
      },
      now,
      onError,
    };
  }

  send(sent: Sent): Promise<Answer> {
    return this.answer(this.door, eventOf(this.source, sent));
  }

  private get ports(): IntakePorts {
    return {
      stream: {
        put: async (records) => {
          if (this.refusing !== 'stream') this.put.push(...records);
          return records.map(() => this.refusing !== 'stream');
        },
      },
      refuse: async (refused) => {
        if (this.refusing === 'quarantine') throw new Error('SlowDown');
        this.quarantined.push(...refused);
      },
      erase: async (entities) => void this.erased.push(...entities),
      gaps: async () => {},
    };
  }

  /** What is on the stream: some records hold several. */
  get events(): Record<string, unknown>[] {
    return this.put.flatMap(({ data }) =>
      Buffer.from(data)
        .toString('utf8')
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    );
  }

  /** Forgets what came of requests before. */
  clear(): void {
    for (const list of [this.put, this.quarantined, this.erased, this.errors]) list.length = 0;
    this.ignored = 0;
  }
}
