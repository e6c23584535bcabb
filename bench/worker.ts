/**
 * Runs one part in a process of its own: `node --expose-gc <bundle> PART [--profile FILE]`. Rows go to standard output as
 * JSON, progress to standard error, one line each.
 */
import { nodeParts } from './parts.ts';
import { profiled } from './profile.ts';

const [name, flag, file] = process.argv.slice(2);
const part = nodeParts.find((one) => one.name === name);
if (!part) throw new Error(`part: found ${name}; allowed: ${nodeParts.map((one) => one.name).join(', ')}`);
const run = () => part.run((text) => process.stderr.write(`${text}\n`));
const rows = flag === '--profile' && file ? await profiled(file, run) : await run();
process.stdout.write(JSON.stringify(rows));
