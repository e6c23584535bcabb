import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { contractBreaks } from '../../core/definition/compatibility.ts';
import { parseUseCase } from '../../core/definition/usecase.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';
import { DefinitionError } from '../../core/ir/errors.ts';
import { onlineView } from '../../core/ir/parts.ts';
import { ConfigError } from './config-error.ts';

/** What a use case's `released.json` says was released last. @param folder of the use case */
export class Release {
  /** Absolute path, whether it exists or not. */
  readonly file: string;
  /** Null where nothing was released yet. */
  readonly ir: UseCaseIR | null;

  /** @throws ConfigError when the file holds no use case that this code can keep up */
  constructor(folder: string) {
    this.file = path.join(folder, 'released.json');
    this.ir = existsSync(this.file) ? read(this.file) : null;
  }

  /** Producers and readers rely on what was released. @throws ConfigError with every contract that `ir` breaks */
  requireKept(ir: UseCaseIR): void {
    const breaks = contractBreaks(this.ir?.contracts ?? [], ir.contracts);
    if (breaks.length === 0) return;
    const problems = breaks.map(({ field, found, allowed }) => `${field}: found ${found}; allowed: ${allowed}`);
    throw new ConfigError(`${path.relative('', path.dirname(this.file))} (as released.json has it)`, problems);
  }

  /** Whether the model reads another version of its view in `ir`, so that the released one has to be kept beside it. */
  isPreviousTo(ir: UseCaseIR): boolean {
    return this.ir !== null && onlineView(this.ir).version !== onlineView(ir).version;
  }
}

function read(file: string): UseCaseIR {
  try {
    return parseUseCase(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (!(error instanceof DefinitionError || error instanceof SyntaxError)) throw error;
    throw new ConfigError(path.relative('', file), [
      error instanceof SyntaxError
        ? 'file: found text that is not valid JSON; allowed: what features release wrote'
        : error.message,
    ]);
  }
}
