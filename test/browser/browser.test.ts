/** The page, and pages that send events, in a real browser. One file, so that one process of jest starts the browser. */
import { afterAll } from '@jest/globals';
import { closeBrowser } from './browser.ts';
import './beacon.cases.ts';
import './page.cases.ts';
import './recorded-page.cases.ts';

afterAll(closeBrowser);
