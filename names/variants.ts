/** How the models behind an endpoint are told apart. */

/** What serves all, or takes its part of an experiment. */
export const CHAMPION_VARIANT = 'champion';
/** The second model of an experiment, and one that only listens (a shadow). */
export const CHALLENGER_VARIANT = 'challenger';

/**
 * Endings of the names of endpoint configurations, behind the run that made them: of one with a shadow, and of one with an
 * experiment. A configuration without ending serves one model, and has its name.
 */
export const CONFIG_ENDING = { shadow: '-s', experiment: '-x' } as const;
