import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({
  ...common,
  LAKE_BUCKET: name,
  /** Of the experiment and of the registered model. */
  MLFLOW_NAME: name,
  /** Address of the server. Empty: the local cloud's, where it stands for an MLflow App. */
  MLFLOW_URL: z.string(),
  /** ARN of an MLflow App, whose requests are signed; empty: a server of one's own. */
  MLFLOW_APP_ARN: z.string(),
  /** Holds the credentials of a server of one's own; empty with an app. */
  MLFLOW_SECRET_ARN: z.string(),
});
export type Env = z.infer<typeof schema>;
