/** A use case, definition or configuration that can't be kept: names the field, what was found and what is allowed. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  readonly field: string;

  constructor(field: string, found: string, allowed: string) {
    super(`${field}: found ${found}; allowed: ${allowed}`);
    this.field = field;
  }
}

/** @throws DefinitionError always */
export const fail: (field: string, found: string, allowed: string) => never = (field, found, allowed) => {
  throw new DefinitionError(field, found, allowed);
};

/** The JSON type of a value, for messages: never the value itself, which may be personal. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}
