import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { z } from 'zod';
import type { CarriageKind, SourceIR } from '../../core/ir/document.ts';
import { ConfigError, describeIssues } from '../config/config-error.ts';
import type { StageConfig } from '../config/stage-config.ts';

/**
 * What the stage says of a way by which a source comes: `sources: { <name>: { <carriage>: { … } } }`.
 * @returns null where it says nothing: the way is not deployed there, and the synthesis warns
 * @throws ConfigError naming what is wrong
 */
export function addressOf<Schema extends z.ZodType>(
  scope: Construct,
  stage: StageConfig,
  source: SourceIR,
  carriage: CarriageKind,
  schema: Schema,
): z.output<Schema> | null {
  const given = stage.sources[source.name]?.[carriage];
  if (given === undefined) {
    Annotations.of(scope).addWarningV2(
      `tidemark:no-address-${source.name}-${carriage}`,
      `sources.${source.name}: found no address of its ${carriage} in this stage, so that way is not deployed; add sources.${source.name}.${carriage} to lib/config/${stage.stage}.ts.`,
    );
    return null;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    `sources.${source.name}.${carriage} of stage ${stage.stage}`,
    describeIssues(parsed.error, given),
  );
}
