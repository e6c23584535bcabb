/** A use case, definition or configuration that can't be kept: names the field, what was found and what is allowed. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  readonly field: string;

  constructor(field: string, found: string, allowed: string) {
    // A list of names may be empty: then nothing is there to name.
    super(`${field}: found ${found}; allowed: ${allowed || 'none, as none is declared'}`);
    this.field = field;
  }
}

/** @throws DefinitionError always */
export const fail: (field: string, found: string, allowed: string) => never = (field, found, allowed) => {
  throw new DefinitionError(field, found, allowed);
};

const SHOWN_CHARACTERS = 40;

/** A value of a definition, for messages: whole where it is short. Never for what an event holds: see `typeName`. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== 'string') return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  if (value.length > SHOWN_CHARACTERS) return `a text of ${value.length} characters`;
  return `'${JSON.stringify(value).slice(1, -1)}'`;
}

/** The JSON type of a value, for messages: never the value itself, which may be personal. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}
