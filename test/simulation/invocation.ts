/** One invocation of the real processor, with everything between it and its stores going wrong. */
import { CodecError } from '../../core/values/bytes.ts';
import { writeQuarantine } from '../../engine/ingest/quarantine.ts';
import { type Call, type Fault, Faults } from '../../engine/memory/faults.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import type { Deployment } from './deployment.ts';
import type { World } from './world.ts';

/** ms: the function's time-out. */
const TIMEOUT = 60_000;
/** ms that a lost call takes at most. */
const LOST = 90_000;

/** @returns the lowest sequence number to deliver again, null when all is done, `all` when it failed or ran out of time */
export async function invoke(
  world: World,
  at: Deployment,
  batch: readonly StreamRecord[],
): Promise<string | null | 'all'> {
  const late = { is: false };
  const faults = faultsOf(world, late);
  const work = run(world, at, batch, faults);
  const timeout = world.time.alarm(TIMEOUT);
  const answer = await Promise.race([work, timeout.rung.then(() => 'time-out' as const)]);
  timeout.cancel();
  if (answer !== 'time-out') return faults.ended ? 'all' : answer;
  if (world.chance.of(world.profile.zombies)) late.is = true;
  else {
    world.note('killed by time-out');
    faults.end();
  }
  world.run(async () => void (await work));
  return 'all';
}

async function run(
  world: World,
  at: Deployment,
  batch: readonly StreamRecord[],
  faults: Faults,
): Promise<string | null | 'all'> {
  try {
    const { rules, versions } = at.compose(faults);
    const result = await world.sandbox.process(batch, rules, {
      ...versions,
      quarantine: (lines) => writeQuarantine(at.quarantine.port(faults), lines),
      reroute: (events) =>
        faults.run('put', () => {
          for (const { entity_id, data } of events) {
            at.rerouted.add(Buffer.from(data).toString('latin1'));
            world.put({ partition_key: entity_id, data, parts: [] });
          }
        }),
      tombstones: world.tombstones,
      clock: world.profile.replay ? at.clockPort(faults) : null,
      onFailure: () => {},
      pause: () => world.time.sleep(world.chance.int(1000)),
    });
    world.tally['write conflict'] += result.conflicts;
    return result.failed;
  } catch (error) {
    if (error instanceof CodecError)
      world.violated(`a state that can not be read failed a whole batch: ${error.message}`);
    return 'all';
  }
}

/** @param late whether the invocation has run out of time and goes on: nobody waits for it any more */
export function faultsOf(world: World, late = { is: false }): Faults {
  const way = async () => {
    const slow = world.fails(world.profile.slow / 4);
    await world.time.sleep(slow ? world.chance.int(LOST) : 1 + world.chance.int(20));
    if (late.is) world.note('zombie');
  };
  return new Faults((call) => draw(world, call), way, world.partitions);
}

function draw(world: World, call: Call): Fault {
  const { throttled, ambiguous, crash } = world.profile;
  if (world.down) return 'before';
  if (world.fails(throttled)) {
    world.note('throttled call');
    return 'before';
  }
  if (call !== 'read' && world.fails(ambiguous)) {
    world.note('ambiguous write');
    return 'after';
  }
  if (!world.fails(crash)) return 'none';
  const fault = world.chance.pick(['crash-before', 'crash-after'] as const);
  world.note(
    call !== 'write' ? 'crash elsewhere' : fault === 'crash-before' ? 'crash before write' : 'crash after write',
  );
  return fault;
}
