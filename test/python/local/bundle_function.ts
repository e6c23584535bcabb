/** Writes a function as it is shipped, for tests in Python: `bundle_function.ts <entry below lambdas/> <use case> <folder>`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const [entry, useCase, folder] = process.argv.slice(2) as [string, string, string];
buildSync({
  entryPoints: [join(ROOT, 'lambdas', entry)],
  outfile: join(folder, 'index.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  mainFields: ['module', 'main'],
  logLevel: 'error',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
const { default: ir } = (await import(pathToFileURL(join(ROOT, useCase, 'index.ts')).href)) as { default: object };
writeFileSync(join(folder, 'usecase.json'), JSON.stringify(ir));
