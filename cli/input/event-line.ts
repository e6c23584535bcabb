import { MAX_ENTITY } from '../../core/admission/admit.ts';
import { typeName } from '../../core/ir/errors.ts';
import { isIdentifier } from '../../core/values/text.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Why a line is refused: a name to count by, and a sentence; never the line's content. */
export interface LineProblem {
  readonly reason: string;
  readonly detail: string;
}

/** The object of a line whose `entity_id` could be one, or what is wrong with it. */
export function objectOf(bytes: Buffer): { readonly object: { readonly entity_id: string } } | LineProblem {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { reason: 'INVALID_UTF8', detail: 'is not valid UTF-8' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { reason: 'MALFORMED_JSON', detail: 'is not JSON' };
  }
  const type = typeName(value);
  if (type !== 'object') {
    const found = type === 'null' ? 'null' : type === 'array' ? 'an array' : `a ${type}`;
    return { reason: 'NOT_AN_OBJECT', detail: `is ${found}, not a JSON object` };
  }
  const object = value as { readonly entity_id: string };
  const entity: unknown = Object.hasOwn(object, 'entity_id') ? object.entity_id : undefined;
  if (typeof entity === 'string' && isIdentifier(entity, MAX_ENTITY)) return { object };
  // Characters are code points, as in the contracts; Kinesis counts its partition keys so, too.
  const characters = typeof entity === 'string' ? [...entity].length : undefined;
  const found = characters === undefined ? `of type ${typeof entity}` : `a string of ${characters} characters`;
  return {
    reason: 'MISSING_ENTITY',
    detail: `has an entity_id ${found}; allowed is a string of 1 to ${MAX_ENTITY} characters, none of them a control character`,
  };
}
