/** `npm run names`. */
import { writeFileSync } from 'node:fs';
import { DOCUMENT, documentOf } from './document.ts';

writeFileSync(DOCUMENT, documentOf());
