/**
 * Until when AWS patches what we deploy on. Keep it by hand: a new version in a template wants a row here, with AWS's word.
 */

import { DAY } from '../../core/values/time.ts';
import { textOf } from './arns.ts';
import type { Templates } from './templates.ts';

export interface Supported {
  readonly what: 'Lambda runtime' | 'Glue version' | 'SageMaker image';
  readonly version: string;
  /** Last day with patches, yyyy-mm-dd. */
  readonly ends: string;
  readonly source: string;
}

export const SUPPORTED: readonly Supported[] = [
  {
    what: 'Lambda runtime',
    version: 'nodejs24.x',
    ends: '2028-04-30',
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, deprecation date',
  },
  {
    what: 'Glue version',
    version: '5.1',
    // AWS names no day before it has come: "end support for a version when any major component of the version reaches the
    // end of community long-term support". Python 3.11 is the first of them to end.
    ends: '2027-10-31',
    source:
      'https://docs.aws.amazon.com/glue/latest/dg/glue-version-support-policy.html, https://devguide.python.org/versions/',
  },
  {
    what: 'SageMaker image',
    version: 'sagemaker-xgboost:3.2-0',
    ends: '2027-05-13',
    source: 'https://github.com/aws/deep-learning-containers docs/src/data/sagemaker-xgboost, end of patch',
  },
];

const WARN_DAYS = 60;

/** `<what> <version>` of everything that the templates deploy on. */
export function usedVersions(templates: Templates): string[] {
  const used = new Set<string>();
  for (const { properties } of templates.all('AWS::Lambda::Function')) used.add(`Lambda runtime ${properties.Runtime}`);
  for (const { properties } of templates.all('AWS::Glue::Job')) used.add(`Glue version ${properties.GlueVersion}`);
  for (const { stack, properties } of templates.all('AWS::StepFunctions::StateMachine')) {
    const definition = textOf(templates, stack, properties.DefinitionString);
    for (const [, image] of definition.matchAll(/\.dkr\.ecr\.[^/"]+\/([\w-]+:[\w.-]+)/g)) {
      used.add(`SageMaker image ${image}`);
    }
  }
  return [...used].sort();
}

export const nameOf = ({ what, version }: Supported): string => `${what} ${version}`;

/** One sentence for each that ended, and for each that ends within 60 days. @param now ms */
export function supportAt(now: number, rows: readonly Supported[] = SUPPORTED) {
  const left = rows.map((row) => ({ row, days: (Date.parse(row.ends) + DAY - now) / DAY }));
  return {
    ended: left
      .filter(({ days }) => days <= 0)
      .map(({ row }) => `${nameOf(row)} has had no patches since ${row.ends} (${row.source})`),
    soon: left
      .filter(({ days }) => days > 0 && days < WARN_DAYS + 1)
      .map(
        ({ row, days }) =>
          `${nameOf(row)} is patched until ${row.ends}, ${Math.floor(days)} days from now (${row.source})`,
      ),
  };
}
