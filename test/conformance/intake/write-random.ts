/** `npx tsx test/conformance/intake/write-random.ts`: the random cases anew, after a change of what a map means. */
import { readFileSync, writeFileSync } from 'node:fs';
import { randomCases } from './cases.ts';

const { contracts } = JSON.parse(readFileSync(new URL('maps.json', import.meta.url), 'utf8'));
const lines = randomCases(contracts).map((one) => JSON.stringify(one));
const text = `{"contracts": ${JSON.stringify(contracts)},\n"cases": [\n${lines.join(',\n')}\n]}\n`;
writeFileSync(new URL('random.json', import.meta.url), text);
