import { z } from 'zod';
import { common, name } from '../shared/environment.ts';

export const schema = z.object({ ...common, FEATURES_TABLE: name, LAKE_BUCKET: name });
export type Env = z.infer<typeof schema>;
