import { z } from 'zod';
import { common, name } from '../aws/environment.ts';

export const schema = z.object({ ...common, LAKE_BUCKET: name });
export type Env = z.infer<typeof schema>;
