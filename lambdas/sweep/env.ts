/** The same resources as the scorer's: it scores by the same code. */
export { type Env, schema } from '../scorer/env.ts';
