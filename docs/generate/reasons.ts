/** docs/reference/quarantine.md: the closed list of reasons, and what each means. */
import { REJECTION_REASONS } from '../../core/ir/rejection.ts';
import { QUARANTINE_SENTENCES } from '../../lib/ingestion/processor.ts';
import { code, page, table } from './markdown.ts';

export function reasonsPage(): string {
  return page(
    'Reasons of the quarantine',
    ['core/ir/rejection.ts', 'lib/ingestion/processor.ts'],
    [
      'A record that breaks its contract is kept with its raw bytes, a `detail` that names the field, and one of these reasons.\nEach has [an alarm](alarms.md) of its own; [the runbook](../runbook.md#quarantine) says how to look at the records and put them again.\nWhat a record may hold stands in [the design](../design.md#what-a-record-may-hold).',
      table(
        ['reason', 'what it means'],
        REJECTION_REASONS.map((reason) => [code(reason), `${QUARANTINE_SENTENCES[reason]}.`]),
      ),
    ],
  );
}
