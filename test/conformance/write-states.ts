import { writeFileSync } from 'node:fs';
import { stateCases } from './states.ts';

const lines = stateCases().map((one) => JSON.stringify(one));
writeFileSync(new URL('states.json', import.meta.url), `[\n${lines.join(',\n')}\n]\n`);
