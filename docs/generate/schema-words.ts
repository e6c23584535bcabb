/** Docstrings and messages of a zod schema, by the path of the field. */
import ts from 'typescript';
import { constant, numberOf, wordsOf } from './sources.ts';

export interface FieldWords {
  readonly words: string;
  /** What it must be beside its type, in the words of its error. */
  readonly rules: readonly string[];
}

/**
 * @param name the constant that holds the schema
 * @param values of the constants in its messages that are no arithmetic
 * @returns `a.b` → what its source says
 */
export function schemaWords(name: string, values: Readonly<Record<string, number>>): Map<string, FieldWords> {
  const found = new Map<string, { words: string; rules: string[] }>();
  const at = (path: string) => {
    const own = found.get(path) ?? { words: '', rules: [] };
    found.set(path, own);
    return own;
  };
  const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);

  function members(literal: ts.Expression | undefined, path: string): void {
    if (!literal || !ts.isObjectLiteralExpression(literal)) return;
    for (const member of literal.properties) {
      if (!member.name) continue;
      const key = join(path, member.name.getText());
      const value = ts.isPropertyAssignment(member) ? member.initializer : member.name;
      at(key).words ||= wordsOf(member);
      visit(value as ts.Expression, key);
    }
  }

  /** `.regex(…, 'words')`, `.refine(…, 'words')` and `.refine(…, { path, message })`. */
  function rule(last: ts.Expression | undefined, path: string): void {
    if (!last) return;
    if (ts.isStringLiteral(last) || ts.isTemplateExpression(last)) at(path).rules.push(textOf(last));
    if (!ts.isObjectLiteralExpression(last)) return;
    const of = (key: string) => last.properties.find((member) => member.name?.getText() === key);
    const [where, message] = [of('path'), of('message')];
    if (!message || !ts.isPropertyAssignment(message)) return;
    const keys = where && ts.isPropertyAssignment(where) ? [...where.getText().matchAll(/'(\w+)'/g)] : [];
    const key = keys.reduce((own, [, next]) => join(own, next!), path);
    at(key).rules.push(textOf(message.initializer));
  }

  function visit(node: ts.Expression, path: string): void {
    if (ts.isIdentifier(node)) {
      const named = constant(node.text, node);
      if (path !== '') at(path).words ||= wordsOf(named);
      if (named.initializer) visit(named.initializer, path);
    }
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const method = node.expression.name.text;
    if (node.expression.expression.getText() !== 'z') visit(node.expression.expression, path);
    if (method === 'strictObject' || method === 'extend') members(node.arguments[0], path);
    if (method === 'discriminatedUnion' && ts.isArrayLiteralExpression(node.arguments[1]!))
      for (const option of node.arguments[1].elements) visit(option, path);
    if (['regex', 'refine', 'startsWith'].includes(method)) rule(node.arguments.at(-1), path);
  }

  function textOf(node: ts.Expression): string {
    if (ts.isStringLiteral(node)) return node.text;
    if (!ts.isTemplateExpression(node)) throw new Error(`${node.getText()}: allowed is text`);
    const value = (of: ts.Expression) => values[of.getText()] ?? numberOf(of);
    return node.templateSpans.reduce(
      (text, span) => `${text}${value(span.expression)}${span.literal.text}`,
      node.head.text,
    );
  }

  visit(constant(name).initializer!, '');
  return found;
}
