import { findTools } from '../setup/checks.mjs';
import { CliError } from './errors.ts';

/**
 * Makes the Java 17 that was found the one that Spark starts, also when PATH has another first.
 * @throws CliError with the next step when this machine has none
 */
export function useJava(): void {
  const { java, problem } = findTools();
  if (!java) throw new CliError(problem ?? 'Java 17 was not found.');
  process.env.JAVA_HOME = java.home;
}
