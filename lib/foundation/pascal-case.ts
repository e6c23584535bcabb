/** `INVALID_FIELD` and `invalid_field` are InvalidField: ids and the names of alarms. */
export const pascalCase = (name: string): string =>
  name
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('');
