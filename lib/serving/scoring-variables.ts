import type { Lake } from '../feature-store/lake.ts';
import type { OnlineTable, ScoreTable } from '../feature-store/tables.ts';
import type { Deployment } from '../foundation/deployment.ts';
import type { ServedModel } from './in-process-model.ts';

export interface PredictionParts {
  readonly features: OnlineTable;
  readonly lake: Lake;
  readonly endpoint: ServedModel;
}

/** Environment of every function that asks the model. */
export function predictionVariables({ features, lake, endpoint }: PredictionParts) {
  return {
    FEATURES_TABLE: features.table.tableName,
    LAKE_BUCKET: lake.bucket.bucketName,
    ...endpoint.variables,
  };
}

/** Where the last scores are. */
export const lastScoreVariables = ({ scores }: { readonly scores: ScoreTable }) => ({
  SCORES_TABLE: scores.table.tableName,
});

/** Environment of every function that keeps scores and decides alerts besides. */
export function recordingVariables(
  parts: PredictionParts & { readonly deployment: Deployment; readonly scores: ScoreTable },
) {
  return {
    ...predictionVariables(parts),
    ...lastScoreVariables(parts),
    SCORES_KEPT_DAYS: String(parts.deployment.stage.retention.scoresDays),
  };
}
