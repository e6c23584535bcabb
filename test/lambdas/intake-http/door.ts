/** The front doors of test/fixtures/usecases/doors in memory: the real ones, with lists for stream and quarantine. */
import { compileSource, type Taken } from '../../../core/intake/intake.ts';
import { CARRIAGE_OPTIONS } from '../../../core/ir/source-options.ts';
import type { Answer } from '../../../lambdas/intake-http/answers.ts';
import { answer, type FrontDoor } from '../../../lambdas/intake-http/front-door.ts';
import { SourceKeys } from '../../../lambdas/intake-http/keys.ts';
import doors from '../../fixtures/usecases/doors/index.ts';
import { eventOf, KEYS, NOW, type Sent } from './providers.ts';

export const SOURCES = doors.sources!.map(({ name }) => name);

/** A source's door. Settings may be changed between requests. */
export class Door {
  readonly source: string;
  readonly taken: Taken[] = [];
  readonly errors: unknown[] = [];
  secret: string | Error = JSON.stringify({ keys: KEYS });
  /** How often the secret was read. */
  reads = 0;
  /** ms UTC. */
  now = NOW;
  /** What the stream says. @default - it takes all */
  refusal: Error | null = null;
  private readonly door: FrontDoor;
  private readonly answer: typeof answer;

  /** @param way what answers; the fuzzing plants bugs in it */
  constructor(source: string, way = answer) {
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
      options: CARRIAGE_OPTIONS.http.parse(ir.via[0]!.options),
      keys: new SourceKeys(read, now, onError),
      intake: compileSource(ir, doors.contracts),
      accept: async (taken) => {
        if (this.refusal) throw this.refusal;
        this.taken.push(taken);
      },
      now,
      onError,
    };
  }

  send(sent: Sent): Promise<Answer> {
    return this.answer(this.door, eventOf(this.source, sent));
  }

  /** What it put on the stream. */
  get events(): Record<string, unknown>[] {
    return this.taken.flatMap(({ events }) =>
      events.map(({ data }) => JSON.parse(Buffer.from(data).toString('utf8')) as Record<string, unknown>),
    );
  }

  get quarantined(): Taken['refused'][number][] {
    return this.taken.flatMap(({ refused }) => refused);
  }
}
