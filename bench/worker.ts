/**
 * Runs one part in a process of its own: `node --expose-gc <bundle> PART [--profile FILE]`. Rows go to standard output as
 * JSON, progress to standard error, one line each.
 */
import { parts } from './parts.ts';
import { profiled } from './profile.ts';

const [name, flag, file] = process.argv.slice(2);
const part = parts.find((one) => one.name === name);
if (!part?.inProcess) throw new Error(`part: found ${name}; allowed: ${parts.map((one) => one.name).join(', ')}`);
const { inProcess } = part;
const run = () => inProcess((text) => process.stderr.write(`${text}\n`));
const rows = flag === '--profile' && file ? await profiled(file, run) : await run();
process.stdout.write(JSON.stringify(rows));
