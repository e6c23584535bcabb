import { runDemo } from './run.ts';

interface DemoOptions {
  readonly wait: boolean;
  readonly json?: string;
  readonly days?: number;
  readonly usecase: string;
}

/** `tidemark demo`: exit code 0 only when every stage did its work. */
export async function demo(options: DemoOptions): Promise<void> {
  process.exitCode = await runDemo(options);
}
