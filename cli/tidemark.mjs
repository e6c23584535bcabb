#!/usr/bin/env node
// Loads the TypeScript command line through tsx, in this process, so that signals and exit codes are our own.

import { register as registerHooks } from 'node:module';
import { register } from 'tsx/esm/api';

// The SDK's advice about next year's Node concerns us, not the user: the Lambdas run on Node 24 already.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

register();
registerHooks(new URL('../lib/config/own-name.mjs', import.meta.url));
const { run } = await import('./main.ts');
await run(process.argv);
