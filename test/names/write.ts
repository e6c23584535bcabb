/** `npm run names`: writes the names that the Spark jobs read anew. */
import { writeFileSync } from 'node:fs';
import { DOCUMENT, documentOf } from '../../names/document.ts';

writeFileSync(DOCUMENT, documentOf());
