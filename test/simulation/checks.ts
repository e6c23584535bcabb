/** What must hold of a deployment once faults have stopped and all is delivered. */

import type { RecordPart } from '../../core/admission/record-parts.ts';
import { subjectsOf } from '../../core/admission/tombstone.ts';
import type { CanonicalEvent } from '../../core/ir/document.ts';
import type { QuarantineLine } from '../../engine/ingest/quarantine.ts';
import type { StreamRecord } from '../../engine/stream-record.ts';
import { type Compared, type Fate, StateCheck } from './check-states.ts';
import { type Deployment, placeOf } from './deployment.ts';
import type { World } from './world.ts';

type Refused = ReadonlyMap<string, readonly QuarantineLine[]>;

export function check(world: World, at: Deployment, compared: Compared): void {
  const { refused } = at;
  const byEntity = new Map<string, CanonicalEvent[]>();
  let newest = -1;
  for (const record of world.records) {
    const parts = world.partsOf(record);
    for (const part of parts) {
      const { result } = part;
      if (result.ok && !result.misrouted) {
        const { event } = result;
        newest = Math.max(newest, event.available_at);
        if (world.erasedAt.has(event.entity_id)) continue;
        byEntity.set(event.entity_id, [...(byEntity.get(event.entity_id) ?? []), event]);
      } else if (!at.givenUp.has(record)) nothingDropped(world, at, part, refused);
    }
    asMeant(world, record, parts);
  }
  noneInvented(world, refused);
  const givenUp = new Set(
    [...at.givenUp].flatMap((record) => world.partsOf(record).map(({ position }) => placeOf(position))),
  );
  const fate = (copy: CanonicalEvent): Fate => {
    const place = placeOf(copy);
    return { refused: refused.has(place), givenUp: givenUp.has(place) || world.healedCopies.has(place) };
  };
  new StateCheck(world, at.current, byEntity, compared, fate).run();
  // Which copy the next version counts is its own affair: the backfill takes the earliest.
  if (at.next) new StateCheck(world, at.next, byEntity, compared, null).run();
  nobodyCameBack(world, at);
  at.current.alerting.check();
  replayClock(world, at, newest);
}

/** Whatever was under way when an entity was erased. */
function nobodyCameBack(world: World, { current, next }: Deployment): void {
  for (const entity of world.erasedAt.keys()) {
    for (const { name, states, scores, alerting } of next ? [current, next] : [current]) {
      if (states.rows.has(entity)) world.violated(`${entity}: was erased, and is back in ${name}`);
      if (scores.scores.has(entity)) world.violated(`${entity}: was erased, and has a score of ${name}`);
      if (alerting.holds(entity)) world.violated(`${entity}: was erased, and has an alert of ${name}`);
    }
  }
}

/** What breaks its contract is in the quarantine with its bytes; what lay under another key lies under its own too. */
function nothingDropped(world: World, at: Deployment, part: RecordPart, refused: Refused): void {
  const { result } = part;
  const place = placeOf(part.position);
  if (result.ok) {
    if (!at.rerouted.has(Buffer.from(part.data).toString('latin1')))
      world.violated(`${place}: a misrouted record was not put again`);
    return;
  }
  // Nobody may keep it.
  if (subjectsOf(part.position.partition_key, part.data).some((id) => world.erasedAt.has(id))) return;
  const raw = Buffer.from(part.data).toString('base64');
  const lines = refused.get(place) ?? [];
  if (!lines.some((line) => line.reason === result.reason && line.raw_base64 === raw))
    world.violated(`${place}: a refused record (${result.reason}) is not in the quarantine`);
}

/** Each event that a producer put into a record is found in it, and is refused as it was broken. */
function asMeant(world: World, record: StreamRecord, parts: readonly RecordPart[]): void {
  const sent = world.sent.get(record)?.parts ?? [];
  const place = placeOf(record.position);
  if (sent.length > 0 && sent.length !== parts.length)
    world.violated(`${place}: ${parts.length} parts were found of ${sent.length}`);
  sent.forEach(({ broken }, i) => {
    const result = parts[i]?.result;
    const found = result === undefined ? 'missing' : result.ok ? null : result.reason;
    if (broken !== null && broken !== found) world.violated(`${place}: ${found}, but broken as ${broken}`);
  });
}

/** Each line of the quarantine is about a record that had to be refused: broken, or a copy of another. */
function noneInvented(world: World, refused: Refused): void {
  const byPlace = new Map(world.parts.map(({ position, result }) => [placeOf(position), result]));
  const copies = new Map<string, number>();
  for (const result of byPlace.values()) {
    if (!result.ok || result.misrouted) continue;
    const fact = factOf(result.event);
    copies.set(fact, (copies.get(fact) ?? 0) + 1);
  }
  for (const [place, lines] of refused) {
    const result = byPlace.get(place);
    if (!result) world.violated(`${place}: found a line of the quarantine without a record`);
    else if (result.ok && (copies.get(factOf(result.event))! < 2 || lines[0]!.reason !== 'DUPLICATE_EVENT_ID'))
      world.violated(`${place}: a good event that came once was refused as ${lines[0]!.reason}`);
  }
}

function factOf({ entity_id, event_id }: CanonicalEvent): string {
  return `${entity_id} ${event_id}`;
}

/** A replay's clock stands a ms after the newest arrival. */
function replayClock(world: World, at: Deployment, newest: number): void {
  if (!world.profile.replay || newest < 0) return;
  if (at.replayClock.now !== newest + 1)
    world.violated(`the replay clock is ${at.replayClock.now}; allowed: ${newest + 1}`);
}
