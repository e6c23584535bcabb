import { copyFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { MAP_MODULE } from '../../names/sources.ts';
import type { DeployedUseCase } from '../config/use-case.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAMBDAS = path.join(ROOT, 'lambdas');

/**
 * Bundles one entry below `lambdas/` to an ESM file with all dependencies, the AWS SDK too (what was tested is what is
 * shipped), a source map, and `usecase.json` beside it; while the view changes, `previous.json` too.
 *
 * The same as NodejsFunction does, by esbuild's own API instead of one `npx` a function: a second instead of ten for the
 * app, and no Docker to fall back to.
 *
 * @param entry path below `lambdas/`
 * @param mapModule of the use case's folder; bundled to `map.mjs`. @default - none
 * @throws Error when there is no such entry, or esbuild's when it does not compile
 */
export function functionCode(entry: string, useCase: DeployedUseCase, mapModule?: string): Code {
  return Code.fromAsset(ROOT, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Only the local bundler below runs; the type wants an image.
      image: DockerImage.fromRegistry('none'),
      // The CDK keeps one bundle for equal options, and a function of ours does not count as a difference.
      command: [entry, ...(mapModule === undefined ? [] : [mapModule])],
      local: {
        tryBundle: (outputDir) => {
          bundleFunction(outputDir, entry, useCase, mapModule);
          return true;
        },
      },
    },
  });
}

/** All files of a function into a folder, as `functionCode` says. @throws Error as `functionCode` */
export function bundleFunction(
  outputDir: string,
  entry: string,
  { document, previous, folder }: DeployedUseCase,
  mapModule?: string,
): void {
  const file = path.join(LAMBDAS, entry);
  if (!existsSync(file)) throw new Error(`lambdas/${entry}: found no file; allowed: an entry that exports "handler"`);
  bundle(file, path.join(outputDir, 'index.mjs'));
  if (mapModule !== undefined) bundle(path.join(folder, mapModule), path.join(outputDir, MAP_MODULE));
  copyFileSync(document, path.join(outputDir, 'usecase.json'));
  if (previous !== undefined) copyFileSync(previous, path.join(outputDir, 'previous.json'));
}

function bundle(entry: string, outfile: string): void {
  buildSync({
    entryPoints: [entry],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    sourcemap: true,
    sourcesContent: false,
    keepNames: true,
    logLevel: 'warning',
    // CommonJS dependencies inside an ESM bundle still call require.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
}
