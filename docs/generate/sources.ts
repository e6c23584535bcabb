/** What the sources say beside their values: docstrings, and constants that nobody exports. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Where a name of the product may be declared; it is found by its name, so that a file may move. */
const FOLDERS = ['core', 'engine', 'names', 'lambdas', 'lib', 'cli'];

let parsed: ts.SourceFile[] | undefined;

function sources(): ts.SourceFile[] {
  const folders = new Set(readdirSync(ROOT));
  parsed ??= FOLDERS.filter((folder) => folders.has(folder)).flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => {
        const file = `${ROOT}${folder}/${name}`;
        return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023, true);
      }),
  );
  return parsed;
}

const constantsOf = (source: ts.SourceFile): ts.VariableDeclaration[] =>
  source.statements.flatMap((one) => (ts.isVariableStatement(one) ? [...one.declarationList.declarations] : []));

/**
 * A constant at the top of a module.
 * @param near where it is used: its own module is looked at first, then the one that it imports the name from
 * @throws Error when no module, or more than one, has it
 */
export function constant(name: string, near?: ts.Node): ts.VariableDeclaration {
  const own = near?.getSourceFile();
  const imported = own && importedFrom(name, own);
  for (const modules of [own ? [own] : [], imported ? [imported] : [], sources()]) {
    const found = modules.flatMap(constantsOf).filter((one) => one.name.getText() === name);
    if (found.length === 1) return found[0]!;
    if (found.length > 1) throw new Error(`${name}: found in ${found.length} modules; allowed: one`);
  }
  throw new Error(`${name}: found in no module; allowed: one`);
}

function importedFrom(name: string, source: ts.SourceFile): ts.SourceFile | undefined {
  const imported = source.statements.filter(ts.isImportDeclaration).find(({ importClause }) => {
    const bindings = importClause?.namedBindings;
    return bindings && ts.isNamedImports(bindings) && bindings.elements.some((one) => one.name.text === name);
  });
  if (!imported || !ts.isStringLiteral(imported.moduleSpecifier)) return undefined;
  const file = resolve(dirname(source.fileName), imported.moduleSpecifier.text);
  return sources().find(({ fileName }) => fileName === file);
}

/** The docstring of a declaration, without its tags; empty where it has none. */
export function wordsOf(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .filter(ts.isJSDoc)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '')
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The value of an expression of numbers and constants, such as `400 * DAY`. */
export function numberOf(node: ts.Expression): number {
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''));
  if (ts.isParenthesizedExpression(node)) return numberOf(node.expression);
  if (ts.isIdentifier(node)) return numberOf(constant(node.text, node).initializer!);
  if (node.getText() === 'Number.MAX_SAFE_INTEGER') return Number.MAX_SAFE_INTEGER;
  if (!ts.isBinaryExpression(node)) throw new Error(`${node.getText()}: allowed is arithmetic over constants`);
  const [left, right] = [numberOf(node.left), numberOf(node.right)];
  switch (node.operatorToken.kind) {
    case ts.SyntaxKind.AsteriskToken:
      return left * right;
    case ts.SyntaxKind.AsteriskAsteriskToken:
      return left ** right;
    case ts.SyntaxKind.MinusToken:
      return left - right;
    default:
      throw new Error(`${node.getText()}: allowed are *, ** and -`);
  }
}

/** Docstrings of the members of an object: key → words. */
export function membersOf(name: string): Map<string, string> {
  let value = constant(name).initializer!;
  while (ts.isAsExpression(value) || ts.isSatisfiesExpression(value)) value = value.expression;
  if (!ts.isObjectLiteralExpression(value)) throw new Error(`${name}: allowed is an object`);
  return new Map(value.properties.map((member) => [member.name!.getText(), wordsOf(member)]));
}
