/**
 * The stream side of a test of the backfill: runs the processor on the online table of the local cloud, and says what its
 * items are worth. One JSON question on stdin, one JSON answer on stdout.
 */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { admit, compileContracts } from '../../../core/admission/admit.ts';
import { withPlan } from '../../../core/definition/plan.ts';
import type { CanonicalEvent, ContractIR, FeatureViewIR } from '../../../core/ir/document.ts';
import { encodeState } from '../../../core/state/codec.ts';
import { compileView } from '../../../core/state/plan.ts';
import { applyEvents, emptyState, inexactFeatures } from '../../../core/state/state.ts';
import type { ProcessorRules } from '../../../engine/ingest/batch.ts';
import { processBatch } from '../../../engine/ingest/process.ts';
import type { StreamRecord } from '../../../engine/stream-record.ts';
import { dynamoClient } from '../../../lambdas/aws/dynamo/client.ts';
import { DynamoCutovers } from '../../../lambdas/aws/dynamo/cutovers.ts';
import { DynamoStates } from '../../../lambdas/aws/dynamo/states.ts';

interface Question {
  readonly table: string;
  readonly contracts: readonly ContractIR[];
  /** Versions that the processor keeps up. */
  readonly views: readonly FeatureViewIR[];
  /** Batches, one after the other, each of one shard. */
  readonly batches: readonly (readonly RecordJson[])[];
  /** All events of the entities, to be compared with what is stored of them. */
  readonly events?: readonly CanonicalEvent[];
}

interface RecordJson {
  readonly shard_id: string;
  readonly sequence_number: string;
  readonly partition_key: string;
  readonly text: string;
}

const dynamo = dynamoClient();
const { table, contracts, views, batches, events = [] } = JSON.parse(readFileSync(0, 'utf8')) as Question;
const plans = views.map((view) => compileView(withPlan(view)));
const common = {
  contracts: compileContracts(contracts),
  admit: { replay: true, available_lag_ms: 0, max_bytes: 256 * 1024 },
};

function recordOf({ shard_id, sequence_number, partition_key, text }: RecordJson): StreamRecord {
  return { position: { shard_id, sequence_number, partition_key, arrival_ms: 0 }, data: Buffer.from(text) };
}

/** What the archiver keeps of a batch. */
function archived(batch: readonly StreamRecord[]): CanonicalEvent[] {
  return batch.flatMap(({ data, position }) => {
    const result = admit(data, position, common.contracts, common.admit);
    return result.ok ? [result.event] : [];
  });
}

async function applyBatch(batch: readonly StreamRecord[]): Promise<void> {
  for (const plan of plans) {
    const states = new DynamoStates(dynamo, table, plan);
    const cutovers = new DynamoCutovers(dynamo, table, plan.view.version, { after_ms: 0, again_ms: 0, now: () => 0 });
    const rules: ProcessorRules = { ...common, plan };
    const result = await processBatch(batch, rules, {
      states,
      cutovers,
      quarantine: async () => {},
      reroute: ([first]) => Promise.reject(new Error(`${first?.entity_id}: misrouted`)),
      clock: null,
      onFailure: (error) => {
        throw error;
      },
    });
    if (result.failed !== null) throw new Error(`${result.failed}: failed`);
  }
}

/** For each view and entity: the stored state, and the one of all its events. */
async function compared(): Promise<unknown[]> {
  const byEntity = new Map<string, CanonicalEvent[]>();
  for (const event of events) byEntity.set(event.entity_id, [...(byEntity.get(event.entity_id) ?? []), event]);
  const found: unknown[] = [];
  for (const plan of plans) {
    const stored = await new DynamoStates(dynamo, table, plan).read([...byEntity.keys()]);
    for (const [entity_id, own] of byEntity) {
      const { state: whole } = applyEvents(plan, emptyState(plan), own);
      const item = stored.get(entity_id);
      const hex = (state: typeof whole) => Buffer.from(encodeState(plan, state)).toString('hex');
      const inexact = [whole, ...(item ? [item.state] : [])].some((state) => inexactFeatures(plan, state).length > 0);
      found.push({
        view: plan.view.version,
        entity_id,
        stored: item ? hex(item.state) : null,
        whole: hex(whole),
        watermarks: item?.state.watermarks,
        inexact,
        heal: item?.flags?.heal === true,
      });
    }
  }
  return found;
}

const answer: CanonicalEvent[][] = [];
for (const batch of batches.map((records) => records.map(recordOf))) {
  await applyBatch(batch);
  answer.push(archived(batch));
}
process.stdout.write(JSON.stringify({ archived: answer, compared: await compared() }));
