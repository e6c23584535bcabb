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
  const aggregations = functions.filter((one) => returns(one) === 'FeatureSpec' && one.name !== 'derived');
  const others = functions.filter((one) => !aggregations.includes(one));
  const members = (type: ts.Type) =>
    type.getProperties().map((member) => {
      const optional = (member.flags & ts.SymbolFlags.Optional) !== 0;
      const text = checker.typeToString(typeOf(member), undefined, ts.TypeFormatFlags.NoTruncation);
      return [
        `${code(member.name)}${optional ? ' (optional)' : ''}`,
        text.length > LONGEST_TYPE ? '' : code(text.replace(' | undefined', '')),
        words(member),
      ];
    });
  const list = (of: readonly ts.Symbol[]) =>
    table(
      ['name', 'what'],
      of.map((one) => [code(one.name), words(one)]),
    );

  return page(
    'Definitions',
    ['core/define.ts'],
    [
      "What a use case imports from `'tidemark'`.\n[Your own use case](../how-to/own-use-case.md) shows them at work; [the design](../design.md#what-a-feature-value-is) says what each value means.",
      '## Parts of a use case',
      list(others),
      '## Aggregations',
      'Each takes the events to look at (`of`, `where`) and a `window`, and most a `field`; `series: n` makes `n` consecutive windows of it.',
      list(aggregations),
      ...groups.flatMap((group) => [
        `## ${group.name}`,
        ...(words(group) ? [words(group)] : []),
        table(
          ['name', 'what'],
          typeOf(group)
            .getProperties()
            .map((member) => [code(`${group.name}.${member.name}`), words(member)]),
        ),
      ]),
      ...specs.flatMap((spec) => [
        `## ${spec.name}`,
        ...(words(spec) ? [words(spec)] : []),
        table(['member', 'type', 'what'], members(checker.getDeclaredTypeOfSymbol(spec))),
      ]),
    ],
  );
}
