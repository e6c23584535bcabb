/**
 * A template as text for a person who reviews a change: a line a property, a line a statement of a policy, references by what
 * they point to. Left out is what says nothing about the infrastructure (hashes of assets) or is tested beside it (the reasons
 * of cdk-nag in the metadata, which repeat as comments what the template does).
 */
import { list, type Statement } from './templates.ts';

/** Lines of each resource and output by `<type> <logical id>`, and what all resources have alike. */
export type Reviewed = ReadonlyMap<string, readonly string[]>;

const LINE = 110;
/** Order has no meaning in these; the CDK orders some of them by hashes of assets. */
const UNORDERED = ['Statement', 'DependsOn', 'Policies'];

interface Template {
  readonly Description?: string;
  readonly Outputs?: Record<string, unknown>;
  readonly Resources?: Record<string, { readonly Type: string; readonly Properties?: Record<string, unknown> }>;
  readonly [section: string]: unknown;
}

/** @param template as CloudFormation gets it */
export function reviewed(template: unknown): Reviewed {
  const plain = JSON.parse(JSON.stringify(template).replaceAll(/[0-9a-f]{64}/g, '<asset>')) as Template;
  // Parameters and rules are of the CDK's bootstrap.
  const { Resources = {}, Outputs = {}, Parameters: _, Rules: __, ...rest } = plain;
  const tags = commonTags(Object.values(Resources).map(({ Properties }) => Properties?.Tags));
  const sections: Array<[string, string[]]> = [['template', linesOf({ ...rest, Tags: tags && JSON.parse(tags) })]];
  for (const [name, output] of Object.entries(Outputs)) sections.push([`output ${name}`, linesOf(output as object)]);
  for (const [id, { Type, Properties, ...more }] of Object.entries(Resources)) {
    const { Tags, Code, ...properties } = Properties ?? {};
    const own = tagText(Tags) === tags ? {} : { Tags };
    const { Metadata: _, ...attributes } = more as Record<string, unknown>;
    // A function's code is an asset; an inline one is none.
    const code = JSON.stringify(Code ?? '').includes('<asset>') ? {} : { Code };
    sections.push([`${Type} ${id}`, linesOf({ ...attributes, ...properties, ...own, ...code })]);
  }
  return new Map(sections.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The whole, to be kept as a snapshot. */
export function wholeText(sections: Reviewed): string {
  return [...sections].map(([name, lines]) => [name, ...lines.map((line) => `  ${line}`)].join('\n')).join('\n');
}

/**
 * What of one stage differs from another: `-` stands before what only `base` has, `+` before what only `other` has. The name
 * of its stage is no difference.
 */
export function differences(base: Reviewed, baseStage: string, other: Reviewed, otherStage: string): string {
  const neutral = (sections: Reviewed, stage: string) =>
    new Map([...sections].map(([name, lines]) => [name, lines.map((line) => withoutName(line, stage))]));
  const [before, after] = [neutral(base, baseStage), neutral(other, otherStage)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names
    .flatMap((name) => {
      const [had, has] = [before.get(name), after.get(name)];
      // Its lines stand in the base.
      if (!has) return [`- ${name}`];
      if (!had) return [`+ ${name}`, ...has.map((line) => `+   ${line}`)];
      const [gone, come] = [without(had, has), without(has, had)];
      if (gone.length + come.length === 0) return [];
      return [`  ${name}`, ...gone.map((line) => `-   ${line}`), ...come.map((line) => `+   ${line}`)];
    })
    .join('\n');
}

function withoutName(line: string, stage: string): string {
  return line.replaceAll(new RegExp(`(?<![a-z])${stage}(?![a-z])`, 'g'), '<stage>');
}

/** Also of lines that stand several times. */
function without(lines: readonly string[], taken: readonly string[]): string[] {
  const left = [...taken];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** The tags that most resources have, as JSON of a map; some types want them as a list of pairs. */
function commonTags(all: readonly unknown[]): string | undefined {
  const counts = new Map<string, number>();
  for (const text of all.map(tagText)) if (text !== undefined) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function tagText(tags: unknown): string | undefined {
  return tags === undefined ? undefined : JSON.stringify(readable(tags, ''));
}

function linesOf(section: object): string[] {
  return Object.entries(readable(section, '') as object).flatMap(([key, value]) => linesAt(key, value));
}

/** @param value as `readable` leaves it */
function linesAt(path: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (typeof value === 'string' && value.includes('\n')) {
    return value.split('\n').map((line, i) => `${path}[${i}]: ${line}`);
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (typeof value !== 'object' || value === null || text.length <= LINE) return [`${path}: ${text}`];
  const at = (key: string) => (Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`);
  // A number before each would make all lines after a new one differ.
  const nameless = Array.isArray(value) && value.every((inner) => typeof inner === 'string');
  return Object.entries(value).flatMap(([key, inner]) => linesAt(nameless ? `${path}[]` : at(key), inner));
}

const keyOf = (path: string) => path.slice(path.lastIndexOf('.') + 1);

/** References as `<Id.Attribute>`, a document in a text as what it holds, pairs of a name and a value as a map. */
function readable(value: unknown, path: string): unknown {
  if (typeof value === 'string') return documentIn(value);
  if (Array.isArray(value)) return ofArray(value, path);
  if (typeof value !== 'object' || value === null) return value;
  const reference = textOf(value);
  if (reference !== undefined) return documentIn(reference);
  const entries = Object.entries(value).map(([key, inner]) => [key, readable(inner, `${path}.${key}`)] as const);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function ofArray(values: readonly unknown[], path: string): unknown {
  const key = keyOf(path);
  if (key === 'Statement') return values.map((one) => ofStatement(one as Statement)).sort();
  const inner = values.map((one) => readable(one, path));
  if (UNORDERED.includes(key)) return inner.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const pairs = inner.map(pairOf);
  const isMap = pairs.length > 0 && pairs.every((pair) => pair !== undefined);
  return isMap ? Object.fromEntries(pairs) : inner;
}

function pairOf(one: unknown): [string, unknown] | undefined {
  if (typeof one !== 'object' || one === null || Object.keys(one).length !== 2) return undefined;
  const { Key, Name, Value } = one as Record<string, unknown>;
  const name = Key ?? Name;
  return typeof name === 'string' && Value !== undefined ? [name, Value] : undefined;
}

function documentIn(text: string): unknown {
  if (!/^[[{]/.test(text)) return text;
  try {
    return readable(JSON.parse(text), '');
  } catch {
    return text;
  }
}

/** What CloudFormation puts into a text; undefined for anything else. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 1) return undefined;
  const [[name, argument]] = Object.entries(value) as [[string, unknown]];
  if (name === 'Ref') return `<${argument}>`;
  if (name === 'Fn::GetAtt') return `<${list(argument as string[]).join('.')}>`;
  if (name === 'Fn::Sub' && typeof argument === 'string') return argument.replaceAll(/\$\{([^}]+)\}/g, '<$1>');
  // An export is named after the stack, the resource, its attribute and a hash of these.
  if (name === 'Fn::ImportValue')
    return `<${String(argument).replace(/:ExportsOutput(?:Ref|FnGetAtt)(\w+)[0-9A-F]{8}$/, ' $1')}>`;
  if (name === 'Fn::GetStackOutput')
    return `<${Object.values(argument as object)
      .map(String)
      .sort()
      .join(' ')}>`;
  if (name !== 'Fn::Join') return undefined;
  const [delimiter, parts] = argument as [string, unknown[]];
  return parts.map((part) => textOf(part) ?? JSON.stringify(readable(part, ''))).join(delimiter);
}

/** e.g. `Allow s3:GetObject on <LakeBucket.Arn>/models/* to {"Service":"sagemaker.amazonaws.com"} if {…}` */
function ofStatement(statement: Statement): string {
  const { Sid, Effect, Principal, Action, NotAction, Resource, Condition, ...more } = statement;
  const json = (value: unknown) => JSON.stringify(readable(value, ''));
  const all = (values: unknown) =>
    list(values as unknown[])
      .map((value) => textOf(value) ?? json(value))
      .sort()
      .join(', ');
  return [
    Effect,
    Sid ? `(${Sid})` : '',
    Action ? all(Action) : '',
    NotAction ? `all but ${all(NotAction)}` : '',
    Resource ? `on ${all(Resource)}` : '',
    Principal ? `to ${Principal === '*' ? 'everybody' : json(Principal)}` : '',
    Condition ? `if ${json(Condition)}` : '',
    Object.keys(more).length > 0 ? json(more) : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}
