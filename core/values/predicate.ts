import type { PredicateIR, Scalar } from '../ir/document.ts';

/** All predicates hold; a null or absent property never matches, not even `ne`. */
export function matches(where: readonly PredicateIR[], properties: Readonly<Record<string, Scalar>>): boolean {
  for (const predicate of where) {
    const found = properties[predicate.field];
    if (found === null || found === undefined || !holds(predicate, found)) return false;
  }
  return true;
}

function holds(predicate: PredicateIR, found: string | number | boolean): boolean {
  switch (predicate.op) {
    case 'eq':
      return found === predicate.value;
    case 'ne':
      return found !== predicate.value;
    case 'in':
      return predicate.value.includes(found);
    case 'gt':
      return typeof found === 'number' && found > predicate.value;
    case 'gte':
      return typeof found === 'number' && found >= predicate.value;
    case 'lt':
      return typeof found === 'number' && found < predicate.value;
    case 'lte':
      return typeof found === 'number' && found <= predicate.value;
  }
}
