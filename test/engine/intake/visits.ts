/** Rows of visits, as a source of files sends them. */
import { at, contract, count, defineUseCase, field, rule, source } from '../../../core/definition/define.ts';
import { compileSource } from '../../../core/intake/intake.ts';

const visit = contract('visit', 1, { eventTime: 'epoch_ms', fields: { page: field.string({ maxLength: 16 }) } });

export function visitsBy(format: 'csv' | 'ndjson') {
  const { contracts, sources } = defineUseCase({
    ...{ name: 'site', entity: 'visitor', contracts: [visit] },
    views: { visits: { entity: 'visitor', features: { n: count({ of: visit, window: '7d' }) } } },
    sources: [
      source('site', {
        envelope: 'rows',
        via: [{ kind: 'files', format }],
        map: [
          rule({
            event: visit,
            entity: at('/who'),
            time: { from: '/at', format: 'epoch_ms' },
            properties: { page: at('/page') },
          }),
        ],
      }),
    ],
  });
  return { name: 'site', carriage: 'files', intake: compileSource(sources![0]!, contracts) } as const;
}
