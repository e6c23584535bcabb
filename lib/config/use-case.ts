import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseUseCase } from '../../core/definition/usecase.ts';
import type { UseCaseIR } from '../../core/ir/document.ts';
import { DefinitionError } from '../../core/ir/errors.ts';
import { typeFound } from '../../core/ir/issues.ts';
import { onlineView } from '../../core/ir/parts.ts';
import { ConfigError } from './config-error.ts';
import { Release } from './released.ts';

const USE_CASES = fileURLToPath(new URL('../../usecases', import.meta.url));

/** The use case an app is built for, and its compiled document on disk. */
export interface UseCase {
  readonly ir: UseCaseIR;
  /** Absolute path of `usecase.json`: copied beside each Lambda bundle, an asset for Glue and SageMaker. */
  readonly document: string;
  /** Absolute path of its folder. */
  readonly folder: string;
}

/** A use case as it is deployed: while its view changes, the version that was released last goes on beside it. */
export interface DeployedUseCase extends UseCase {
  /** Absolute path of `previous.json`, copied beside each Lambda bundle. @default - the view is as it was released */
  readonly previous?: string;
}

/**
 * @param name value of `-c usecase=`: a folder under `usecases/`, or a path to a folder; nothing: churn
 * @param outdir folder that gets the compiled document
 * @throws ConfigError when the folder has no index.ts, that has no default export, or the export is no valid use case
 */
export async function loadUseCase(name: unknown = 'churn', outdir: string): Promise<UseCase> {
  if (typeof name !== 'string' || name === '') {
    throw new ConfigError('-c usecase', [
      `usecase: found ${typeFound(name)}; allowed: a folder under usecases/ or a path to a folder with an index.ts`,
    ]);
  }
  const folder = useCaseFolder(name);
  const source = path.join(folder, 'index.ts');
  if (!existsSync(source)) {
    throw new ConfigError('-c usecase', [
      `usecase: found string, but there is no ${relative(source)}; allowed: a folder under usecases/ or a path to a folder with an index.ts`,
    ]);
  }
  const ir = readUseCase(relative(source), await importDefault(source));
  mkdirSync(outdir, { recursive: true });
  const document = path.join(outdir, 'usecase.json');
  writeFileSync(document, `${JSON.stringify(ir)}\n`);
  return { ir, document, folder };
}

/**
 * As `loadUseCase`, with what `released.json` says was released last.
 * @throws ConfigError also when that can't be read, when a contract breaks what was released, or when there is a view that
 * nobody would keep up
 */
export async function loadDeployedUseCase(name: unknown, outdir: string): Promise<DeployedUseCase> {
  const useCase = await loadUseCase(name, outdir);
  requireKeptUp(useCase);
  const release = new Release(useCase.folder);
  release.requireKept(useCase.ir);
  if (!release.isPreviousTo(useCase.ir)) return useCase;
  const previous = path.join(outdir, 'previous.json');
  writeFileSync(previous, `${JSON.stringify(release.ir)}\n`);
  return { ...useCase, previous };
}

/** @param name a folder under `usecases/`, or a path to a folder. @returns its absolute path, whether it exists or not */
export function useCaseFolder(name: string): string {
  const [own, elsewhere] = [path.join(USE_CASES, name), path.resolve(name)];
  const named = !/[\\/]/.test(name) && (existsSync(own) || !existsSync(elsewhere));
  return named ? own : elsewhere;
}

/** Definitions are compiled, and refused, while their module is loaded. */
/** All views are backfilled and healed, and the stream keeps up the one that serves: another one's values would stand still. */
function requireKeptUp({ ir, folder }: UseCase): void {
  const served = onlineView(ir).name;
  const others = ir.views.filter(({ name }) => name !== served).map(({ name }) => `views.${name}`);
  const allowed = `${served} alone, which is kept up online; \`tidemark features eval --view\` computes others offline`;
  if (others.length === 0) return;
  throw new ConfigError(
    relative(path.join(folder, 'index.ts')),
    others.map((view) => `${view}: found a second view in a deployment; allowed: ${allowed}`),
  );
}

async function importDefault(source: string): Promise<unknown> {
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(source).href)) as { default?: unknown };
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    throw new ConfigError(relative(source), [error.message]);
  }
  if (module.default === undefined) {
    throw new ConfigError(relative(source), ['default export: found nothing; allowed: the value of defineUseCase(…)']);
  }
  return module.default;
}

function readUseCase(source: string, value: unknown): UseCaseIR {
  try {
    return parseUseCase(value);
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    throw new ConfigError(source, [error.message]);
  }
}

function relative(file: string): string {
  return path.relative(process.cwd(), file);
}
