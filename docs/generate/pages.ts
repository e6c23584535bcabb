/** The reference: what the sources say, page by page. */
import { alarmsPage } from './alarms.ts';
import { apiPage } from './api.ts';
import { cliPage } from './cli.ts';
import { definitionsPage } from './definitions.ts';
import { limitsPage } from './limits.ts';
import { localCloudPage } from './local-cloud.ts';
import { metricsPage } from './metrics.ts';
import { reasonsPage } from './reasons.ts';
import { settingsPage } from './settings.ts';

/** @returns file below docs/reference/ → its text, as it should be */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['cli.md', cliPage()],
    ['definitions.md', definitionsPage()],
    ['settings.md', settingsPage()],
    ['metrics.md', metricsPage()],
    ['alarms.md', await alarmsPage()],
    ['quarantine.md', reasonsPage()],
    ['limits.md', limitsPage()],
    ['api.md', apiPage()],
    ['local-cloud.md', localCloudPage()],
  ]);
}
