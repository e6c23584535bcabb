/** docs/reference/metrics.md: every metric of our own, from the one home of their names. */
import { DIMENSION, METRIC, METRIC_NAMESPACE } from '../../names/metrics.ts';
import { code, page, table } from './markdown.ts';
import { constant, membersOf, wordsOf } from './sources.ts';

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}`;

export function metricsPage(): string {
  const words = membersOf('METRIC');
  const rows = Object.entries(METRIC).map(([key, name]) => {
    const [, emitters, what] = /^([a-z, ()-]+): (.+)$/.exec(words.get(key) ?? '') ?? [];
    if (!emitters || !what)
      throw new Error(`METRIC.${key}: found no docstring; allowed: "<who emits it>: <what it counts>"`);
    const [, unit] = /\(unit (\w+)\)/.exec(what) ?? [];
    return [code(name), emitters, unit ?? 'count', sentence(what.replace(/ \(unit \w+\)/, ''))];
  });
  const dimensions = membersOf('DIMENSION');
  return page(
    'Metrics',
    ['names/metrics.ts'],
    [
      `All are in the namespace ${code(METRIC_NAMESPACE)}.\nThe dashboard and [the alarms](alarms.md) read them; the runbook says what to do.`,
      table(['metric', 'emitted by', 'unit', 'what'], rows),
      '## Dimensions',
      wordsOf(constant('DIMENSION')),
      table(
        ['dimension', 'what'],
        Object.entries(DIMENSION).map(([key, name]) => [code(name), dimensions.get(key) ?? '']),
      ),
    ],
  );
}
