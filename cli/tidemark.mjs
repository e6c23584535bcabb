#!/usr/bin/env node
// Loads the TypeScript command line through tsx, in this process, so that signals and exit codes are our own.

import { register } from 'tsx/esm/api';

register();
const { run } = await import('./main.ts');
await run(process.argv);
