/** A use case's IR document is checked wherever one is read. */
import type { z } from 'zod';
import { AGGREGATION_OPS, isAggregationOp } from '../aggregates/table.ts';
import type { UseCaseIR } from '../ir/document.ts';
import { DefinitionError, shown } from '../ir/errors.ts';
import { allowedBy } from '../ir/issues.ts';
import { formerUseCaseSchema, useCaseSchema } from '../ir/schema.ts';
import { withPlan } from './plan.ts';
import { isObject } from './spec.ts';
import { validateUseCase } from './validate.ts';

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
  return new DefinitionError(at, shown(value), allowedBy(issue));
}

function nameOf(part: unknown): string | undefined {
  const { name, event_type, field } = isObject(part) ? part : {};
  return [name, event_type, field].find((one): one is string => typeof one === 'string' && one !== '');
}

/**
 * Reads an IR document: shape first, then what the definitions mean together. One of version 1 gets its plans here.
 * @throws DefinitionError naming the field, the found type and what is allowed
 */
export function parseUseCase(document: unknown): UseCaseIR {
  const ir =
    isObject(document) && document.ir_version === 1
      ? upgraded(known(shaped(formerUseCaseSchema, document)))
      : known(shaped(useCaseSchema, document));
  validateUseCase(ir);
  return ir;
}

function shaped<Schema extends z.ZodType>(schema: Schema, document: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(document);
  if (!parsed.success) throw refusalOf(parsed.error.issues[0]!, document);
  return parsed.data;
}

/** The document itself. @throws DefinitionError for an aggregation that there is none of */
function known<Document extends Pick<z.infer<typeof formerUseCaseSchema>, 'views'>>(document: Document): Document {
  for (const feature of document.views.flatMap(({ features }) => features)) {
    if (feature.kind === 'aggregate' && !isAggregationOp(feature.op))
      throw new DefinitionError(`features.${feature.name}.op`, shown(feature.op), AGGREGATION_OPS.join(', '));
  }
  return document;
}

function upgraded(former: z.infer<typeof formerUseCaseSchema>): UseCaseIR {
  return { ...former, ir_version: 2, views: former.views.map(withPlan) };
}
