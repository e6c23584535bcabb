/** What a user can put right: printed as one message without a stack, with the exit code. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** A message for any thrown value; a cause is appended, because the outer message alone often says too little. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const head = error.name === 'Error' || error.name === 'CliError' ? error.message : `${error.name}: ${error.message}`;
  return error.cause === undefined ? head : `${head} (${messageOf(error.cause)})`;
}
