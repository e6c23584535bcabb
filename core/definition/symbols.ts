/**
 * Where values of a definition keep what is ours, apart from the names that people give. Registered symbols: a use case may
 * have been given another copy of these modules than its reader.
 */
export const CONTRACT: unique symbol = Symbol.for('tidemark.contract');
export const COLUMN: unique symbol = Symbol.for('tidemark.column');
export const CONDITION: unique symbol = Symbol.for('tidemark.condition');
export const EXPRESSION: unique symbol = Symbol.for('tidemark.expression');
export const FEATURE: unique symbol = Symbol.for('tidemark.feature');
export const LABEL: unique symbol = Symbol.for('tidemark.label');
export const AT: unique symbol = Symbol.for('tidemark.at');
export const SOURCE: unique symbol = Symbol.for('tidemark.source');
export const EXPERIMENT: unique symbol = Symbol.for('tidemark.experiment');
