/**
 * Answers questions of the Python tests with the TypeScript engine, so that both are held to the same cases:
 * one JSON question on stdin, one JSON answer on stdout.
 */
import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { type AdmitOptions, admit, compileContracts } from '../../../core/admission/admit.ts';
import { admitRecord } from '../../../core/admission/record-parts.ts';
import { withPlan } from '../../../core/definition/plan.ts';
import type { CanonicalEvent, ContractIR, FeatureValue, FeatureViewIR } from '../../../core/ir/document.ts';
import { type Knowledge, oracle } from '../../../core/oracle.ts';
import { decodeState, encodeState } from '../../../core/state/codec.ts';
import { finalise } from '../../../core/state/finalise.ts';
import { compileView } from '../../../core/state/plan.ts';
import { applyEvents, emptyState, inexactFeatures } from '../../../core/state/state.ts';

interface AdmitQuestion {
  readonly op: 'admit';
  readonly contracts: readonly ContractIR[];
  readonly options: AdmitOptions;
  readonly records: readonly { readonly base64: string; readonly arrival_ms: number }[];
}

/** For each record: its parts, each with its verdict. */
interface RecordsQuestion {
  readonly op: 'records';
  readonly contracts: readonly ContractIR[];
  readonly options: AdmitOptions;
  readonly partition_key: string;
  /** Base64. */
  readonly records: readonly string[];
}

/** For each case: the oracle's values, and the state after all events with its values at each later t. */
interface ViewQuestion {
  readonly op: 'view';
  readonly cases: readonly {
    readonly view: FeatureViewIR;
    readonly events: readonly CanonicalEvent[];
    readonly at: readonly { readonly t: number; readonly knowledge: Knowledge }[];
  }[];
}

/** For each state as it is stored: its values at t, and the features that are inexact. */
interface StoredQuestion {
  readonly op: 'stored';
  readonly cases: readonly { readonly view: FeatureViewIR; readonly state: string; readonly t: number }[];
}

function answerStored({ cases }: StoredQuestion): unknown {
  return cases.map(({ view, state: hex, t }) => {
    const plan = compileView(withPlan(view));
    const state = decodeState(plan, Buffer.from(hex, 'hex'), {});
    return { values: finalise(plan, state, t), inexact: inexactFeatures(plan, state) };
  });
}

function answerView(question: ViewQuestion): unknown {
  return question.cases.map(({ view, events, at }) => {
    const plan = compileView(withPlan(view));
    const { state } = applyEvents(plan, emptyState(plan), events);
    return {
      oracle: at.map(({ t, knowledge }) => oracle(view, events, t, knowledge)),
      served: at.map(({ t }): FeatureValue[] | null =>
        t > state.newest_available_at ? finalise(plan, state, t) : null,
      ),
      state: events.length > 0 ? Buffer.from(encodeState(plan, state)).toString('hex') : null,
      watermarks: state.watermarks,
      inexact: inexactFeatures(plan, state),
      newest_event_time: state.newest_event_time,
      newest_available_at: state.newest_available_at,
    };
  });
}

function answerAdmit({ contracts, options, records }: AdmitQuestion): unknown {
  const compiled = compileContracts(contracts);
  return records.map(({ base64, arrival_ms }) =>
    admit(
      Buffer.from(base64, 'base64'),
      { shard_id: 'history', sequence_number: '1', arrival_ms, partition_key: '' },
      compiled,
      options,
    ),
  );
}

function answerRecords({ contracts, options, partition_key, records }: RecordsQuestion): unknown {
  const compiled = compileContracts(contracts);
  const position = { shard_id: 's', sequence_number: '7', arrival_ms: 1_500_000_000_000, partition_key };
  return records.map((base64) =>
    admitRecord({ position, data: Buffer.from(base64, 'base64') }, compiled, options).map(
      ({ position: { partition_key }, data, result }) => ({
        ...(result.ok
          ? { event_id: result.event.event_id, ...(result.misrouted ? { misrouted: true } : {}) }
          : { reason: result.reason }),
        partition_key,
        data: Buffer.from(data).toString('base64'),
      }),
    ),
  );
}

const question = JSON.parse(readFileSync(0, 'utf8')) as AdmitQuestion | RecordsQuestion | ViewQuestion | StoredQuestion;
process.stdout.write(JSON.stringify(answer()));

function answer(): unknown {
  if (question.op === 'admit') return answerAdmit(question);
  if (question.op === 'records') return answerRecords(question);
  return question.op === 'stored' ? answerStored(question) : answerView(question);
}
