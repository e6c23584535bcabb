/** Whether a trained model may serve. Pure: metrics and manifest in, a decision with its reasons out. */
import type { ModelIR } from '../core/ir/document.ts';
import type { Interval, Manifest, TrainingMetrics } from './model-metrics.ts';

export interface GateDecision {
  readonly passed: boolean;
  /** One sentence for each rule that failed: which, and by how much. */
  readonly reasons: readonly string[];
  /**
   * For the registry: text of `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, 1 to 256 characters, and nothing else
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html, CustomerMetadataProperties). The
   * ends of an interval have keys of their own: `auc`, `auc_low`, `auc_high`.
   */
  readonly metadata: Readonly<Record<string, string>>;
}

type Gate = ModelIR['gate'];

/**
 * @param definition_hash of the view that is deployed here
 * @param etag of the model's archive, as S3 gives it: in quotes
 */
export function decideGate(
  gate: Gate,
  definition_hash: string,
  metrics: TrainingMetrics,
  manifest: Manifest,
  etag: string,
): GateDecision {
  const reasons = [
    ...originRules(definition_hash, metrics, manifest),
    ...qualityRules(gate, metrics),
    ...championRule(gate, metrics),
    ...servingRules(gate, metrics),
    ...metrics.leaks.failed.map(leakSentence),
  ];
  return { passed: reasons.length === 0, reasons, metadata: metadataOf(metrics, manifest, etag) };
}

/** Model, training set and deployment speak of the same features. */
function* originRules(hash: string, metrics: TrainingMetrics, manifest: Manifest): Generator<string> {
  if (metrics.definition_hash !== hash)
    yield 'definition_hash: the model was trained on another definition than is deployed';
  if (manifest.definition_hash !== hash)
    yield 'definition_hash: the training set has another definition than is deployed';
  if (manifest.training_set_id !== metrics.training_set_id)
    yield 'training_set_id: the model was trained on another training set';
}

function* qualityRules(gate: Gate, { model, difference, calibration }: TrainingMetrics): Generator<string> {
  yield* atLeast('auc', model.auc.value, gate.min_auc);
  if (model.auc.value > gate.max_auc)
    yield `auc: found ${n(model.auc.value)}, ${n(model.auc.value - gate.max_auc)} above ${gate.max_auc}; look for a leak first`;
  yield* atLeast('auc gain over the baseline, at the lower end', difference.auc.low, gate.min_auc_gain_over_baseline);
  yield* upTo('calibration error', model.calibration_error.value, gate.max_calibration_error);
  const most = gate.max_calibration_slope_error;
  if (most === undefined) return;
  const slope = calibration.after.slope.value;
  if (slope === null) yield 'calibration slope: found none, as all scores are the same; allowed: scores that differ';
  else yield* upTo(`calibration slope ${n(slope)}, its distance from 1`, Math.abs(slope - 1), most);
}

/**
 * A champion that cannot be asked about these rows is no reason to refuse: after a change of the definition nothing could ever
 * replace it. The card says why it was not asked.
 */
function* championRule({ margin_over_champion: margin }: Gate, { champion }: TrainingMetrics): Generator<string> {
  if (margin === undefined || !champion?.comparable) return;
  yield* atLeast(
    `auc gain over the champion ${champion.model_version}, at the lower end`,
    champion.difference.auc.low,
    margin,
  );
}

function* servingRules(gate: Gate, { serving }: TrainingMetrics): Generator<string> {
  if (gate.max_latency_ms !== undefined)
    yield* upTo('latency of one row in ms, p99', serving.latency_ms.p99, gate.max_latency_ms);
  if (gate.max_bytes !== undefined && serving.bytes > gate.max_bytes)
    yield `size in bytes: found ${serving.bytes}, ${serving.bytes - gate.max_bytes} too many; allowed: up to ${gate.max_bytes}`;
}

const LEAKS: Record<TrainingMetrics['leaks']['failed'][number]['check'], (input: string | null) => string> = {
  input_is_label: (input) => `share of the rows in which input ${input} is the label`,
  single_input: (input) => `auc of input ${input} alone`,
  auc_jump: (input) => `change of the auc of input ${input} from train to test`,
  shuffled_labels: () => 'lowest auc of models that learnt shuffled labels',
};

function leakSentence({ check, input, found, allowed }: TrainingMetrics['leaks']['failed'][number]): string {
  return `leak: ${LEAKS[check](input)}: found ${n(found)}, ${n(found - allowed)} above ${n(allowed)}; look for what knows the future`;
}

function* atLeast(rule: string, found: number, least: number): Generator<string> {
  if (!(found >= least)) yield `${rule}: found ${n(found)}, ${n(least - found)} too little; allowed: at least ${least}`;
}

function* upTo(rule: string, found: number, most: number): Generator<string> {
  if (!(found <= most)) yield `${rule}: found ${n(found)}, ${n(found - most)} too much; allowed: up to ${most}`;
}

function metadataOf(metrics: TrainingMetrics, manifest: Manifest, etag: string): Record<string, string> {
  const { model, baseline, difference, champion, calibration, serving } = metrics;
  return {
    definition_hash: metrics.definition_hash,
    model_sha256: metrics.model_sha256,
    model_version: metrics.model_version,
    // Of the whole archive, with the code that compares the sha256.
    model_etag: etag.replaceAll('"', ''),
    training_set_id: metrics.training_set_id,
    snapshot_id: String(manifest.snapshot_id),
    spine_hash: manifest.spine_hash,
    ...withEnds('auc', model.auc),
    average_precision: n(model.average_precision.value),
    brier: n(model.brier.value),
    calibration_error: n(model.calibration_error.value),
    calibration: calibration.method,
    baseline_auc: n(baseline.auc.value),
    ...withEnds('auc_gain_over_baseline', difference.auc),
    champion: champion === null ? 'none' : champion.comparable ? champion.model_version : 'not comparable',
    ...(champion?.comparable && withEnds('auc_gain_over_champion', champion.difference.auc)),
    latency_ms: n(serving.latency_ms.p99),
    bytes: String(serving.bytes),
    test_rows: String(metrics.test.rows),
  };
}

/** Four decimals tell apart what a gate may ask for; only a difference that is smaller shows more. */
function n(value: number): string {
  const rounded = value.toFixed(4);
  return value !== 0 && Number(rounded) === 0 ? value.toExponential(1) : rounded;
}

function withEnds(key: string, { value, low, high }: Interval): Record<string, string> {
  return { [key]: value.toFixed(4), [`${key}_low`]: low.toFixed(4), [`${key}_high`]: high.toFixed(4) };
}
