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

/** What the types of symbols say, as text. */
class Declared {
  readonly checker: ts.TypeChecker;
  readonly specs: readonly ts.Symbol[];

  /** @param specs those that have a table of their own */
  constructor(checker: ts.TypeChecker, specs: readonly ts.Symbol[]) {
    this.checker = checker;
    this.specs = specs;
  }

  typeOf(of: ts.Symbol): ts.Type {
    return this.checker.getTypeOfSymbol(of);
  }

  isFunction(of: ts.Symbol): boolean {
    return this.typeOf(of).getCallSignatures().length > 0;
  }

  returns(of: ts.Symbol): string {
    return this.checker.typeToString(this.typeOf(of).getCallSignatures()[0]!.getReturnType());
  }

  words(of: ts.Symbol): string {
    const standard = of.getJsDocTags(this.checker).find(({ name }) => name === 'default');
    const text = ts.displayPartsToString(of.getDocumentationComment(this.checker)).replace(/\s+/g, ' ').trim();
    return `${text}${standard ? ` Default: ${ts.displayPartsToString(standard.text).replace(/^- /, '')}.` : ''}`.trim();
  }

  members(type: ts.Type): string[][] {
    return type
      .getProperties()
      .filter(isNamed)
      .map((member) => this.row(member));
  }

  list(of: readonly ts.Symbol[], prefix = ''): string {
    const call = (one: ts.Symbol) => {
      const names = this.parametersOf(one).map(({ name }) => name);
      return code(`${prefix}${one.name}(${names.join(', ')})`);
    };
    return table(
      ['name', 'what'],
      of.map((one) => [call(one), this.words(one)]),
    );
  }

  /** Members of the object that comes last, of all of them together, with who takes each. */
  options(of: readonly ts.Symbol[]): string[] {
    const all = new Map<string, { row: string[]; takers: string[] }>();
    for (const one of of) {
      for (const member of this.optionsOf(one)) {
        const known = all.get(member.name) ?? { row: this.row(member), takers: [] };
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
  }

  private optionsOf(of: ts.Symbol): ts.Symbol[] {
    const last = this.parametersOf(of).at(-1);
    const type = last && this.checker.getApparentType(this.checker.getNonNullableType(this.typeOf(last)));
    if (!type || (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) === 0) return [];
    const members = type.getProperties();
    const known = this.specs.some((spec) => spec === type.symbol);
    return !known && members.every((member) => isMember(member) && isNamed(member)) ? members : [];
  }

  private parametersOf(of: ts.Symbol): readonly ts.Symbol[] {
    return this.typeOf(of).getCallSignatures()[0]!.getParameters();
  }

  private row(member: ts.Symbol): string[] {
    const optional = (member.flags & ts.SymbolFlags.Optional) !== 0 ? ' (optional)' : '';
    return [`${code(member.name)}${optional}`, this.typeText(this.typeOf(member)), this.words(member)];
  }

  private typeText(type: ts.Type): string {
    const { NoTruncation } = ts.TypeFormatFlags;
    const text = this.checker.typeToString(type, undefined, NoTruncation).replace(' | undefined', '');
    if ((type.flags & ts.TypeFlags.TypeParameter) !== 0) return '';
    return text.length > LONGEST_TYPE || /\b[A-Z]\w*<|\[[A-Z]+\]/.test(text) ? '' : code(text);
  }
}

export function definitionsPage(): string {
  const { checker, exported } = exportsOf();
  const specs = exported.filter(({ flags }) => (flags & ts.SymbolFlags.Interface) !== 0);
  const declared = new Declared(checker, specs);
  const values = exported.filter(({ flags }) => (flags & ts.SymbolFlags.Value) !== 0);
  const functions = values.filter((one) => declared.isFunction(one));
  const groups = values.filter((one) => !declared.isFunction(one));
  const aggregations = functions.filter((one) => declared.returns(one).startsWith('AggregateFeature<'));
  const others = functions.filter((one) => !aggregations.includes(one));
  const titled = (of: ts.Symbol) => [`## ${of.name}`, ...(declared.words(of) ? [declared.words(of)] : [])];
  const labels = others.filter((one) => declared.returns(one) === 'Label');
  const optionsOf = (name: string) => declared.options(others.filter((one) => one.name === name));

  return page(
    'Definitions',
    ['core/definition/define.ts'],
    [
      "What a use case imports from `'tidemark'`.\n[Your own use case](../how-to/own-use-case.md) shows them at work; [the design](../design.md#what-a-feature-value-is) says what each value means.",
      '## Parts of a use case',
      declared.list(others),
      '## Options of a contract',
      ...optionsOf('contract'),
      '## Options of a label',
      ...declared.options(labels),
      '## Aggregations',
      'Each is `of` a contract (whole events) or of a column of it, over a `window`; `where` says which events count.',
      declared.list(aggregations),
      '## Options of aggregations',
      ...declared.options(aggregations),
      ...groups.flatMap((group) => {
        const members = declared.typeOf(group).getProperties();
        return [...titled(group), declared.list(members, `${group.name}.`), ...declared.options(members)];
      }),
      ...specs.flatMap((spec) => {
        const rows = declared.members(checker.getDeclaredTypeOfSymbol(spec));
        return [...titled(spec), ...(rows.length === 0 ? [] : [table(['member', 'type', 'what'], rows)])];
      }),
    ],
  );
}
