/** What all functions of sources have in common: what they may do, and how they are told. */
import type { CarriageKind, SourceIR } from '../../core/ir/document.ts';
import { PREFIX } from '../../names/lake.ts';
import { INTAKE_VARIABLE } from '../../names/redrive.ts';
import type { Lake } from '../feature-store/lake.ts';
import type { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import type { DataKey } from '../foundation/data-key.ts';
import type { Deployment } from '../foundation/deployment.ts';
import type { NodeFunction } from '../foundation/node-function.ts';
import type { EventStream } from '../ingestion/event-stream.ts';
import type { AlarmRegistry } from '../monitoring/alarm-registry.ts';

export interface IntakeProps {
  readonly deployment: Deployment;
  readonly alarms: AlarmRegistry;
  readonly key: DataKey;
  readonly stream: EventStream;
  readonly lake: Lake;
  readonly features: OnlineTable;
  /** @default - the use case has no model */
  readonly scores?: ScoreTable;
}

export interface SourceProps extends IntakeProps {
  readonly source: SourceIR;
}

/** The variables of every source's function, as `intakeVariables` reads them. */
export const intakeEnvironment = ({ source, stream, lake, features, scores }: SourceProps, carriage: CarriageKind) => ({
  [INTAKE_VARIABLE.source]: source.name,
  [INTAKE_VARIABLE.carriage]: carriage,
  STREAM_NAME: stream.stream.streamName,
  LAKE_BUCKET: lake.bucket.bucketName,
  ...(source.erase.length > 0 && {
    FEATURES_TABLE: features.table.tableName,
    ...(scores && { SCORES_TABLE: scores.table.tableName }),
  }),
});

/** Exactly what it does: put on the stream, keep what was refused, lost and different, and forget only where the source may say so. */
export function grantIntake(fn: NodeFunction<unknown>, { source, stream, lake, features, scores }: SourceProps): void {
  stream.grantPut(fn);
  lake.grantPut(fn, PREFIX.quarantine, PREFIX.sourceGaps, PREFIX.drift);
  if (source.erase.length === 0) return;
  lake.grantPut(fn, PREFIX.tombstones);
  features.grantForget(fn);
  scores?.grantForget(fn);
}
