/** The real scoring on the stream of the online table, whose images come again and late too. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { MINUTE } from '../../core/values/time.ts';
import { MemoryLake } from '../../engine/memory/lake.ts';
import type { Endpoint } from '../../engine/ports.ts';
import { score } from '../../engine/score/scoring.ts';
import type { LoadedUseCase } from '../../engine/use-case.ts';
import { itemOf } from '../../lambdas/aws/dynamo/state-item.ts';
import { newestStates } from '../../lambdas/scorer/newest-states.ts';
import { ir } from '../engine/use-case.ts';
import { faultsOf } from './invocation.ts';
import type { Image, Version } from './version.ts';
import type { World } from './world.ts';

/** A model that scores a row by its numbers. */
const MODEL: Endpoint = {
  score: async (rows) => ({
    scores: rows.map((row) => ({
      score: Math.abs(row.reduce<number>((sum, value) => sum + (value ?? 1), 0) % 100) / 100,
      contributions: row.map(() => 0),
    })),
    variant: 'champion',
    model_version: 'm1',
  }),
};

export class Scorer {
  private readonly world: World;
  private readonly at: Version;
  private readonly usecase: LoadedUseCase;
  /** Images before this one are scored. */
  private next = 0;

  constructor(world: World, at: Version) {
    this.world = world;
    this.at = at;
    const inputs = at.view.features.filter(({ value_type }) => /^(int|float|bool)$/.test(value_type));
    const model = { ...ir.model, view: at.view.name, inputs: inputs.map(({ name }) => name) };
    // Whoever scores high alerts again at once: there is much to send.
    const alerts = { ...ir.alerts!, threshold: 0.5, rearm_below: 0.5, cooldown_ms: 1 };
    this.usecase = { ir: { ...ir, views: [at.view], model, alerts }, view: at.view, plan: at.plan };
  }

  get lag(): number {
    return this.at.images.length - this.next;
  }

  start(): void {
    this.world.watch(() => this.poll());
  }

  private async poll(): Promise<void> {
    const { world, at } = this;
    for (;;) {
      if (this.lag === 0) {
        await world.time.change();
        await world.time.sleep(world.chance.int(200));
        continue;
      }
      const old = this.next > 0 && world.fails(world.profile.strays);
      const from = old ? world.chance.int(this.next) : this.next;
      const to = Math.min(at.images.length, from + 1 + world.chance.int(8));
      if (old) world.note('redelivered image');
      const done = await this.score(at.images.slice(from, to));
      if (done && !old) this.next = to;
      if (!done) await world.time.sleep(1000);
    }
  }

  /** @returns whether it succeeded */
  private async score(images: readonly Image[]): Promise<boolean> {
    const { world, at, usecase } = this;
    const jump = world.fails(0.2) ? world.chance.int(2 * world.profile.skew + 1) - world.profile.skew : 0;
    if (jump !== 0) world.note('clock jump of a function');
    const now = Math.max(0, world.now + jump);
    const clock = world.profile.replay ? 0 : now;
    const candidates = newestStates(
      at.plan,
      images.map((image) => asEvent(at, image)),
      () => {},
    ).map((state) => world.sandbox.candidate(state, clock));
    const faults = faultsOf(world);
    try {
      const ports = {
        model: MODEL,
        scores: at.scores.port(faults),
        predictions: new MemoryLake().port(faults),
        tombstones: world.tombstones,
        pause: () => world.time.sleep(MINUTE / 600),
      };
      const { predictions } = (await score(usecase, ports, candidates, 'event', now))!;
      const served = new Set(predictions.map(({ entity_id }) => entity_id));
      const kept = candidates.filter(({ entity_id }) => served.has(entity_id));
      predictions.forEach(({ values }, i) => {
        at.served.push({ ...kept[i]!, values });
      });
      return true;
    } catch {
      return false;
    }
  }
}

/** As a Lambda event has it: binary attributes are base64 text. */
function asEvent({ plan }: Version, { entity_id, row }: Image): Record<string, AttributeValue> {
  const { base, ...item } = itemOf(plan, entity_id, row);
  return { ...item, state: asText(item.state), ...(base && { base: asText(base) }) };
}

function asText({ B }: AttributeValue): AttributeValue {
  return { B: Buffer.from(B!).toString('base64') as unknown as Uint8Array };
}
