import { z } from 'zod';
import { isEntityId, MAX_ENTITY } from '../../core/admission/admit.ts';
import { issuesOf } from '../../core/ir/issues.ts';

export const MAX_ENTITIES = 100;

export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: object;
}

/** What no event can be about, nobody can be asked about. */
const entityId = z
  .string()
  .refine(isEntityId, `an entity id, a string of 1 to ${MAX_ENTITY} characters that does not start with #`);
const IDS = `1 to ${MAX_ENTITIES} entity ids`;
const requestSchema = z.strictObject({ entity_ids: z.array(entityId, IDS).min(1, IDS).max(MAX_ENTITIES, IDS) });

/** @throws BadRequestError with one sentence that names the field and what is allowed */
export function parseRequest(body: string): { entity_ids: string[] } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new BadRequestError('body: found text that is not valid JSON; allowed: {"entity_ids": ["…"]}.');
  }
  const parsed = requestSchema.safeParse(json);
  if (parsed.success) return { entity_ids: [...new Set(parsed.data.entity_ids)] };
  const { field, found, allowed } = issuesOf(parsed.error, json)[0]!;
  throw new BadRequestError(`${field || 'body'}: found ${found}; allowed: ${allowed}.`);
}
