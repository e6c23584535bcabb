/** `events.ts` and `sources.ts`: what a row is, and how it becomes an event. */

import type { Plan } from '../plan.ts';
import type { PlannedField } from '../profile/fields.ts';
import { braces, call, comment, imports, number, text } from './code.ts';

export function eventsFile(plan: Plan): string {
  const { contract, eventType, fields, roles } = plan;
  const zoned = fields.some(({ type, column }) => type === 'timestamp' && column.times.found[0]?.local);
  const lines = fields.flatMap((one) => [
    ...(seenOf(one) === '' ? [] : [`    /** ${comment(seenOf(one))} */`]),
    memberOf(one),
  ]);
  const body = fields.length === 0 ? ['  fields: {},'] : ['  fields: {', ...lines, '  },'];
  return [
    '/** What a row says, as the contract that every one of them has to meet: what does not, goes to the quarantine. */',
    imports(fields.length === 0 ? ['contract'] : ['contract', 'field'], 'tidemark'),
    '',
    `export const ${contract} = contract(${text(eventType)}, 1, {`,
    ...(zoned ? [`  timeZone: ${text(roles.zone!)},`] : []),
    ...body,
    '});',
    '',
  ].join('\n');
}

function memberOf({ name, type, scale, min, max, values, maxLength, format, required }: PlannedField): string {
  const optional = required ? [] : ['required: false'];
  const options = (members: readonly string[], before: number) => {
    const all = [...members, ...optional];
    return all.length === 0 ? '' : braces('{', all, '}', before, 4);
  };
  const head = `    ${name}: field.${type}(`;
  const tail = '),';
  const room = head.length + tail.length;
  switch (type) {
    case 'bool':
      return `${head}${options([], room)}${tail}`;
    case 'timestamp': {
      const more = options([], room);
      return `${head}${text(format!)}${more === '' ? '' : `, ${more}`}${tail}`;
    }
    case 'int':
      return `${head}${options([`min: ${number(min!)}`, `max: ${number(max!)}`], room)}${tail}`;
    case 'decimal':
      return `${head}${scale}, ${options([`min: ${number(min!)}`, `max: ${number(max!)}`], room + 3)}${tail}`;
    case 'string':
      return `${head}${options(maxLength === 256 ? [] : [`maxLength: ${maxLength}`], room)}${tail}`;
    case 'enum': {
      const more = optional.length === 0 ? '' : ', { required: false }';
      return `${head}${braces('[', values!.map(text), ']', room + more.length, 4)}${more}${tail}`;
    }
  }
}

/** What the file has, beside what the contract allows. */
function seenOf({ type, column, scale, min, max }: PlannedField): string {
  if (type !== 'int' && type !== 'decimal') return '';
  const unit = scale === 0 ? '' : ` \`min\` and \`max\` are in units of 10^-${scale}.`;
  return min === undefined || max === undefined ? '' : `Seen: ${column.min} to ${column.max}.${unit}`;
}

export function sourcesFile(plan: Plan): string {
  const { contract, fields, nulls, roles, source } = plan;
  const { entity, id, spelling, time, zone } = roles;
  const place = (pointer: string) => `at(${text(pointer)})`;
  const properties = fields.map(({ name, column, type }) =>
    type === 'bool' && column.types.boolean < column.values
      ? `        ${name}: at(${text(column.pointer)}, { as: field.bool() }),`
      : `        ${name}: ${place(column.pointer)},`,
  );
  const reads = properties.some((line) => line.includes('field.bool()')) ? ['field'] : [];
  const when = [`from: ${text(time.pointer)}`, `format: ${text(spelling.format)}`];
  if (spelling.local) when.push(`timeZone: ${text(zone!)}`);
  const ids = id.map((column) => place(column.pointer));
  return [
    '/** How a row of the file becomes an event: whom it is about, when it happened, and which columns go on. */',
    imports(['at', 'rule', 'source', ...reads], 'tidemark'),
    `import { ${contract} } from './events.ts';`,
    '',
    `export const ${sourceConst(plan)} = source(${text(source)}, {`,
    "  envelope: 'rows',",
    ...(nulls.length === 0
      ? []
      : [
          '  /** Texts that stand for nothing. */',
          `  ${call('options: ', [`nulls: [${nulls.map(text).join(', ')}]`], ',', 2)}`,
        ]),
    ...viaOf(plan),
    '  map: [',
    '    rule({',
    `      event: ${contract},`,
    `      entity: ${place(entity.pointer)},`,
    ...(ids.length === 0
      ? [
          '      // A row has no id of its own: the hash of its content is one, and its place among equal rows of its file.',
        ]
      : [`      id: ${ids.length === 1 ? ids[0] : braces('[', ids, ']', 12, 6)},`]),
    `      time: ${braces('{', when, '}', 13, 6)},`,
    ...(properties.length === 0 ? [] : ['      properties: {', ...properties, '      },']),
    '    }),',
    '  ],',
    '});',
    '',
  ].join('\n');
}

function viaOf({ way }: Plan): string[] {
  if (way === null)
    return [
      '  // Of landed files rows are read as JSON or CSV in UTF-8; yours were of another kind.',
      "  via: [{ kind: 'files', format: 'ndjson' }],",
    ];
  const delimiter = 'delimiter' in way && way.delimiter !== ',' ? `, delimiter: ${text(way.delimiter)}` : '';
  return [`  via: [{ kind: 'files', format: '${way.format}'${delimiter} }],`];
}

/** Beside a contract of the same name. */
export const sourceConst = ({ contract }: Plan): string => `${contract}Rows`;
