// Module hooks of Node (node:module) for use cases outside of the repository: there too the name `tidemark` is the
// module that definitions are written with, and a .ts file needs no package.json beside it that calls it a module.

const DEFINITIONS = new URL('../../core/definition/define.ts', import.meta.url).href;
/** What tsx appends to a file that it takes for CommonJS: its second loader, which knows no hooks, would read it. */
const AS_COMMONJS = /(\.ts)(?:%3F|\?)tsx-commonjs.*$/;

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  const found = await next(specifier === 'tidemark' ? DEFINITIONS : specifier, context);
  if (!/\.ts(%3F|\?|$)/.test(found.url)) return found;
  return { ...found, url: found.url.replace(AS_COMMONJS, '$1'), format: 'module' };
}
