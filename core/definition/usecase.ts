/** The shape of a use case's IR document, checked wherever one is read. */
import { z } from 'zod';
import { AGGREGATION_OPS } from '../aggregates/table.ts';
import type { ExprIR, UseCaseIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { isObject } from './spec.ts';
import { validateUseCase } from './validate.ts';

const name = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'a lower-case name of letters, digits and _');
const scalar = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const ms = z.int().nonnegative();
const format = z.enum(['iso8601', 'epoch_s', 'epoch_ms']);
const common = { name, from: z.string().min(1).optional(), required: z.boolean(), default: scalar.optional() };
const textual = { trim: z.boolean(), case: z.enum(['lower', 'upper']).optional() };
const bounds = { min: z.int().optional(), max: z.int().optional() };

const field = z.discriminatedUnion('type', [
  z.strictObject({ ...common, ...textual, type: z.literal('string'), max_length: z.int().min(1).max(4096) }),
  z.strictObject({ ...common, ...textual, type: z.literal('enum'), values: z.array(z.string().min(1)).min(1) }),
  z.strictObject({ ...common, ...bounds, type: z.literal('int') }),
  z.strictObject({ ...common, ...bounds, type: z.literal('decimal'), scale: z.int().min(0).max(9) }),
  z.strictObject({ ...common, type: z.literal('bool') }),
  z.strictObject({ ...common, type: z.literal('timestamp'), format }),
]);

const BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max', 'gt', 'gte', 'lt', 'lte', 'eq', 'coalesce'] as const;
const expr: z.ZodType<ExprIR> = z.lazy(() =>
  z.discriminatedUnion('op', [
    z.strictObject({ op: z.literal('ref'), name }),
    z.strictObject({ op: z.literal('const'), value: z.number() }),
    z.strictObject({ op: z.enum(BINARY), left: expr, right: expr }),
    z.strictObject({ op: z.enum(['sum_of', 'mean_of', 'min_of', 'max_of']), list: name }),
    z.strictObject({ op: z.literal('at'), list: name, index: z.int().min(0).max(63) }),
  ]),
);

const predicate = z.discriminatedUnion('op', [
  z.strictObject({ field: name, op: z.enum(['eq', 'ne']), value: scalar }),
  z.strictObject({ field: name, op: z.enum(['gt', 'gte', 'lt', 'lte']), value: z.number() }),
  z.strictObject({ field: name, op: z.literal('in'), value: z.array(scalar).min(1) }),
]);

const contract = z.strictObject({
  event_type: name,
  schema_version: z.int().positive(),
  event_time_format: format,
  max_future_ms: ms.max(86_400_000),
  min_event_time: ms.optional(),
  time_zone: z.strictObject({ name: z.string(), offsets: z.array(z.tuple([z.int(), z.int()])).min(1) }).optional(),
  fields: z.array(field),
  derived: z.array(z.strictObject({ ...bounds, name, expr })),
  retracts: z.strictObject({ event_type: name, field: name }).optional(),
});

const feature = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('aggregate'),
    name,
    description: z.string(),
    op: z.enum(AGGREGATION_OPS),
    event_type: name,
    field: name.nullable(),
    where: z.array(predicate),
    window_ms: ms.positive().nullable(),
    offset_ms: ms,
    hop_ms: ms.positive().nullable(),
    cap: z.int().min(1).max(4096).nullable(),
    k: z.int().min(1).max(64).nullable(),
    q: z.number().gt(0).lt(1).optional(),
    error: z.number().min(0.001).max(0.5).optional(),
    value_type: z.enum(['int', 'float', 'string', 'bool', 'ints', 'strings', 'bools', 'histogram']),
    enum_values: z.array(z.string()).nullable(),
  }),
  z.strictObject({ kind: z.literal('derived'), name, description: z.string(), expr, value_type: z.literal('float') }),
]);

const remembered = z.strictObject({ horizon_ms: ms.positive(), cap: z.int().min(1).max(4096) });
const instants = z.strictObject({ from: ms, to: ms, every_ms: ms.positive() });

export const useCaseSchema = z.strictObject({
  ir_version: z.literal(1),
  name,
  entity: name,
  contracts: z.array(contract).min(1),
  views: z
    .array(
      z.strictObject({
        name,
        entity: name,
        features: z.array(feature).min(1),
        dedupe: remembered,
        retractions: remembered
          .extend({ rules: z.array(z.strictObject({ event_type: name, field: name, of: name })).min(1) })
          .nullable(),
        retention_ms: ms.positive().nullable(),
        definition_hash: z.string().regex(/^[0-9a-f]{64}$/),
        version: z.string(),
      }),
    )
    .min(1),
  label: z
    .strictObject({
      name,
      kind: z.literal('no_event'),
      event_type: name,
      where: z.array(predicate),
      horizon_ms: ms.positive(),
      eligible: z.strictObject({ event_type: name }),
    })
    .optional(),
  model: z
    .strictObject({
      name,
      view: name,
      inputs: z.array(name).min(1),
      baseline_inputs: z.array(name).min(1),
      hyperparameters: z.record(z.string(), z.union([z.string(), z.number()])),
      train: instants,
      validation: instants,
      test: instants,
      seed: z.int(),
      gate: z.strictObject({
        min_auc: z.number().min(0).max(1),
        max_auc: z.number().min(0).max(1),
        min_auc_gain_over_baseline: z.number().min(-1).max(1),
        max_calibration_error: z.number().min(0).max(1),
      }),
    })
    .optional(),
  alerts: z
    .strictObject({
      name,
      threshold: z.number().gt(0).lt(1),
      rearm_below: z.number().gt(0).lt(1),
      cooldown_ms: ms.positive(),
      top_reasons: z.int().min(1).max(10),
      title: z.string().min(1),
      link: z.string().min(1),
      reasons: z.record(
        name,
        z.strictObject({ text: z.string().min(1), format: z.enum(['number', 'days', 'money', 'percent']) }),
      ),
    })
    .optional(),
  replay: z.strictObject({ available_lag_ms: ms }),
});

/** Members whose keys are names that people gave. */
const NAMED: readonly unknown[] = ['hyperparameters', 'reasons'];

/** What no definition says. */
const OWN: readonly string[] = ['ir_version', 'definition_hash'];

/** As a definition says it: `rearm_below` is `rearmBelow`, `cooldown_ms` is `cooldown`. */
const optionOf = (key: string) =>
  OWN.includes(key) ? key : key.replace(/_ms$/, '').replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** By the names that people gave, `features.orders_28d.where.amount`, not by the places in lists. */
function refusalOf(issue: z.core.$ZodIssue, document: unknown): DefinitionError {
  const names: string[] = [];
  let value = document;
  for (const [i, key] of issue.path.entries()) {
    const inList = Array.isArray(value);
    value = isObject(value) || inList ? (value as Record<PropertyKey, unknown>)[key] : undefined;
    names.push((inList && nameOf(value)) || (NAMED.includes(issue.path[i - 1]) ? String(key) : optionOf(String(key))));
  }
  // What a condition compares with has no name of its own.
  const at =
    names
      .join('.')
      .replace(/^views\.[^.]+\.(?=features\.)/, '')
      .replace(/(\.where\.[^.]+)\.value(\.\d+)?$/, '$1') || 'use case';
  if (issue.code === 'unrecognized_keys')
    return new DefinitionError(`${at}.${issue.keys[0]}`, 'a member of this name', 'the members that are documented');
  return new DefinitionError(
    at,
    shown(value),
    issue.message.replace(/^Invalid input: expected (.*), received .*$/, '$1'),
  );
}

function nameOf(part: unknown): string | undefined {
  const { name, event_type, field } = isObject(part) ? part : {};
  return [name, event_type, field].find((one): one is string => typeof one === 'string' && one !== '');
}

/**
 * Reads an IR document: shape first, then what the definitions mean together.
 * @throws DefinitionError naming the field, the found type and what is allowed
 */
export function parseUseCase(document: unknown): UseCaseIR {
  const parsed = useCaseSchema.safeParse(document);
  if (!parsed.success) {
    throw refusalOf(parsed.error.issues[0]!, document);
  }
  const ir = parsed.data as UseCaseIR;
  validateUseCase(ir);
  return ir;
}
