export interface ProgressStep {
  update(detail: string): void;
  done(detail?: string): void;
  fail(detail?: string): void;
  elapsedMs(): number;
}

export declare class Progress {
  constructor(out?: NodeJS.WritableStream & { isTTY?: boolean; columns?: number });
  start(title: string): ProgressStep;
  step<T>(title: string, work: (step: ProgressStep) => Promise<T>, summary?: (result: T) => string): Promise<T>;
  print(line: string): void;
}

export declare function seconds(ms: number): string;
