/** The repository's own sources, and what they import. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What git ignores, and what only programs write. */
const NOT_OURS = new Set(['node_modules', 'cdk.out', '__pycache__']);

/** Paths from the root. */
export const FILES: readonly string[] = readdirSync(ROOT, { withFileTypes: true })
  .filter(({ name }) => !name.startsWith('.') && !NOT_OURS.has(name))
  .flatMap((entry) => (entry.isDirectory() ? filesBelow(entry.name) : [entry.name]));

function filesBelow(folder: string): string[] {
  return readdirSync(`${ROOT}/${folder}`, { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(path) : [path];
    });
}

const EXISTS = new Set(FILES);

export const isCode = (file: string): boolean => /\.(ts|mjs)$/.test(file);

export function textOf(file: string): string {
  return readFileSync(`${ROOT}/${file}`, 'utf8');
}

export interface Import {
  readonly from: string;
  /** A path from the root, or the name of a package. */
  readonly to: string;
  /** Only for the type checker: gone when it runs. */
  readonly isType: boolean;
}

/** Every import of a file, those of types too. @throws Error where one names a file that is not there */
export function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.ESNext, true);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isType: boolean) => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    found.push({ from: file, to: targetOf(file, specifier.text), isType });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (!clause || clause.isTypeOnly) return clause !== undefined;
  const { name, namedBindings } = clause;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.length > 0 &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

function targetOf(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  const path = normalize(`${dirname(file)}/${specifier}`);
  if (!EXISTS.has(path)) throw new Error(`${file} imports ${path}, which is not there`);
  return path;
}
