/** docs/reference/definitions.md: what a use case may import from 'tidemark', in the words of its docstrings. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { code, page, table } from './markdown.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LONGEST_TYPE = 120;

/** Everything that the package exports, with its types. */
function exportsOf(): { checker: ts.TypeChecker; exported: readonly ts.Symbol[] } {
  const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { exports: Record<string, string> };
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT);
  const entry = `${ROOT}${exports['.']!.slice(2)}`;
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
  const exported = checker
    .getExportsOfModule(module)
    .map((one) => (one.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(one) : one));
  return { checker, exported };
}

/** Declared as a property: no method of a built-in type, such as a list's. */
const isMember = (of: ts.Symbol) => (of.flags & ts.SymbolFlags.Property) !== 0;

/** Behind a symbol is what people don't write. */
const isNamed = (of: ts.Symbol) => !of.name.startsWith('__@');

export function definitionsPage(): string {
  const { checker, exported } = exportsOf();
  const words = (of: ts.Symbol) => {
    const standard = of.getJsDocTags(checker).find(({ name }) => name === 'default');
    const text = ts.displayPartsToString(of.getDocumentationComment(checker)).replace(/\s+/g, ' ').trim();
    return `${text}${standard ? ` Default: ${ts.displayPartsToString(standard.text).replace(/^- /, '')}.` : ''}`.trim();
  };
  const typeOf = (of: ts.Symbol) => checker.getTypeOfSymbol(of);
  const isFunction = (of: ts.Symbol) => typeOf(of).getCallSignatures().length > 0;
  const values = exported.filter(({ flags }) => (flags & ts.SymbolFlags.Value) !== 0);
  const functions = values.filter(isFunction);
  const groups = values.filter((one) => !isFunction(one));
  const specs = exported.filter(({ flags }) => (flags & ts.SymbolFlags.Interface) !== 0);

  const returns = (of: ts.Symbol) => checker.typeToString(typeOf(of).getCallSignatures()[0]!.getReturnType());
  const aggregations = functions.filter((one) => returns(one).startsWith('AggregateFeature<'));
  const others = functions.filter((one) => !aggregations.includes(one));
  const typeText = (type: ts.Type) => {
    const text = checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation).replace(' | undefined', '');
    if ((type.flags & ts.TypeFlags.TypeParameter) !== 0) return '';
    return text.length > LONGEST_TYPE || /\b[A-Z]\w*<|\[[A-Z]+\]/.test(text) ? '' : code(text);
  };
  const nameOf = (member: ts.Symbol) =>
    `${code(member.name)}${(member.flags & ts.SymbolFlags.Optional) !== 0 ? ' (optional)' : ''}`;
  const members = (type: ts.Type) =>
    type
      .getProperties()
      .filter(isNamed)
      .map((member) => [nameOf(member), typeText(typeOf(member)), words(member)]);
  const parametersOf = (of: ts.Symbol) => typeOf(of).getCallSignatures()[0]!.getParameters();
  const call = (of: ts.Symbol, name: string) =>
    code(
      `${name}(${parametersOf(of)
        .map((one) => one.name)
        .join(', ')})`,
    );
  const list = (of: readonly ts.Symbol[], prefix = '') =>
    table(
      ['name', 'what'],
      of.map((one) => [call(one, `${prefix}${one.name}`), words(one)]),
    );
  /** Members of the object that comes last, of all of them together, with who takes each. */
  const options = (of: readonly ts.Symbol[]): string[] => {
    const all = new Map<string, { row: string[]; takers: string[] }>();
    for (const one of of) {
      const last = parametersOf(one).at(-1);
      const type = last && checker.getApparentType(checker.getNonNullableType(typeOf(last)));
      if (
        !type ||
        (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) === 0 ||
        !type.getProperties().every((member) => isMember(member) && isNamed(member)) ||
        specs.some((spec) => spec === type.symbol)
      )
        continue;
      for (const member of type.getProperties()) {
        const known = all.get(member.name) ?? {
          row: [nameOf(member), typeText(typeOf(member)), words(member)],
          takers: [],
        };
        known.takers.push(one.name);
        all.set(member.name, known);
      }
    }
    const names = of.map(({ name }) => name);
    const takenBy = (takers: readonly string[]) => {
      const without = names.filter((name) => !takers.includes(name));
      if (without.length > takers.length) return takers.map(code).join(', ');
      return without.length === 0 ? 'all' : `all but ${without.map(code).join(', ')}`;
    };
    const rows = [...all.values()].map(({ row, takers }) => [...row, takenBy(takers)]);
    return rows.length === 0 ? [] : [table(['option', 'type', 'what', 'taken by'], rows)];
  };

  return page(
    'Definitions',
    ['core/definition/define.ts'],
    [
      "What a use case imports from `'tidemark'`.\n[Your own use case](../how-to/own-use-case.md) shows them at work; [the design](../design.md#what-a-feature-value-is) says what each value means.",
      '## Parts of a use case',
      list(others),
      '## Options of a contract',
      ...options(others.filter(({ name }) => name === 'contract')),
      '## Options of a label',
      ...options(others.filter(({ name }) => name === 'noEvent')),
      '## Aggregations',
      'Each is `of` a contract (whole events) or of a column of it, over a `window`; `where` says which events count.',
      list(aggregations),
      '## Options of aggregations',
      ...options(aggregations),
      ...groups.flatMap((group) => [
        `## ${group.name}`,
        ...(words(group) ? [words(group)] : []),
        list(typeOf(group).getProperties(), `${group.name}.`),
        ...options(typeOf(group).getProperties()),
      ]),
      ...specs.flatMap((spec) => {
        const rows = members(checker.getDeclaredTypeOfSymbol(spec));
        const listed = rows.length === 0 ? [] : [table(['member', 'type', 'what'], rows)];
        return [`## ${spec.name}`, ...(words(spec) ? [words(spec)] : []), ...listed];
      }),
    ],
  );
}
