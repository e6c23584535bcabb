/** The public feature cases as evaluations: definitions checked as any view's are, events admitted as any file's are. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEvents, readQueries } from '../../cli/commands/features/inputs.ts';
import { type Judged, requireGood } from '../../cli/input/bad-lines.ts';
import { compileContracts } from '../../core/admission/admit.ts';
import { hashOf, versionOf } from '../../core/definition/hash.ts';
import { withPlan } from '../../core/definition/plan.ts';
import { checkView } from '../../core/definition/validate-view.ts';
import type { ContractIR, FeatureIR, FeatureValue, FeatureViewIR } from '../../core/ir/document.ts';
import { viewSchema } from '../../core/ir/schema.ts';
import { retractionRules } from '../../core/state/plan.ts';
import { DAY } from '../../core/values/time.ts';
import type { Evaluation, Knowledge } from '../../engine/evaluate/evaluation.ts';

interface FeatureCase {
  readonly rule: string;
  readonly knowledge: Knowledge;
  readonly features: readonly FeatureIR[];
  /** As producers send them. */
  readonly events: readonly object[];
  readonly queries: readonly {
    readonly entity_id: string;
    readonly t: string | number;
    readonly expect: Readonly<Record<string, FeatureValue>>;
  }[];
}

const file = JSON.parse(readFileSync('test/conformance/features.json', 'utf8')) as {
  readonly contracts: readonly ContractIR[];
  readonly cases: readonly FeatureCase[];
};
export const featureCases = file.cases;

/** What a view of a use case has unless it says otherwise. */
function viewOf(features: readonly FeatureIR[]): FeatureViewIR {
  const rules = retractionRules(features, file.contracts);
  const body = {
    name: 'case',
    entity: 'customer',
    features,
    dedupe: { horizon_ms: 3 * DAY, cap: 256 },
    retractions: rules.length > 0 ? { horizon_ms: 90 * DAY, cap: 256, rules } : null,
    retention_ms: null,
  };
  const definition_hash = hashOf(body, file.contracts);
  const view = withPlan({ ...body, definition_hash, version: versionOf(body.name, definition_hash) });
  viewSchema.parse(view);
  checkView(view, file.contracts);
  return view;
}

export async function evaluationOf(one: FeatureCase): Promise<Evaluation> {
  return evaluation(file.contracts, viewOf(one.features), one.events, one.queries, one.knowledge);
}

function good<T>(what: string, read: Judged<T>): readonly T[] {
  requireGood(what, read.bad);
  return read.good;
}

/** Through the files that the command reads. */
export async function evaluation(
  contracts: readonly ContractIR[],
  view: FeatureViewIR,
  events: readonly object[],
  queries: readonly { readonly entity_id: string; readonly t: string | number }[],
  knowledge: Knowledge,
): Promise<Evaluation> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-case-'));
  const lines = (name: string, all: readonly object[]) => {
    const path = join(folder, name);
    writeFileSync(path, all.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return path;
  };
  try {
    return {
      ir: { contracts },
      view,
      events: good('events', await readEvents([lines('events.ndjson', events)], compileContracts(contracts))),
      queries: good('queries', await readQueries([lines('queries.ndjson', queries)])),
      knowledge,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
