#!/usr/bin/env node
// Loads the TypeScript command line through tsx, in this process, so that signals and exit codes are our own. Nothing that has
// to be installed is imported before it is known to be there.

import { importProblem, notReady } from '../setup/ready.mjs';

function refuse(problem) {
  console.error(problem);
  process.exitCode = 1;
}

async function commandLine() {
  // The SDK's advice about next year's Node concerns us, not the user: the Lambdas run on Node 24 already.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const [{ register: registerHooks }, { register }] = await Promise.all([import('node:module'), import('tsx/esm/api')]);
  register();
  registerHooks(new URL('../lib/config/own-name.mjs', import.meta.url));
  return import('./main.ts');
}

const problem = notReady(process.argv.slice(2));
if (problem) refuse(problem);
else {
  try {
    const { run } = await commandLine();
    await run(process.argv);
  } catch (error) {
    const missing = importProblem(error);
    if (!missing) throw error;
    refuse(missing);
  }
}
