/** What real AWS answers (test/conformance/aws.json), for the tests that compare the local cloud or the templates with it. */
import { readFileSync } from 'node:fs';

export interface AwsFact {
  readonly id: string;
  readonly given: string;
  readonly answer: unknown;
  /** A page of AWS, a recording, an API model, or the source of a container. */
  readonly source: string;
  /** When it was recorded on AWS, or `documented`. */
  readonly recorded: string;
  /** What the local cloud answers instead, knowingly. */
  readonly ours?: unknown;
  readonly reason?: string;
}

export const awsFacts = JSON.parse(readFileSync('test/conformance/aws.json', 'utf8')) as readonly AwsFact[];

/** @throws Error for an unknown id */
export function awsAnswer<T>(id: string): T {
  const found = awsFacts.find((fact) => fact.id === id);
  if (!found) throw new Error(`test/conformance/aws.json has no fact ${id}`);
  return found.answer as T;
}
