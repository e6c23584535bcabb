// Module hooks of Node (node:module) for use cases outside of the repository: there too the name `tidemark` is the
// module that definitions are written with, and a .ts file needs no package.json beside it that calls it a module.

const DEFINITIONS = new URL('../../core/define.ts', import.meta.url).href;

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  const found = await next(specifier === 'tidemark' ? DEFINITIONS : specifier, context);
  return /\.ts(\?|$)/.test(found.url) ? { ...found, format: 'module' } : found;
}
