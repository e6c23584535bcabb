/** Beginning of the names of a deployment's roll-back alarms, behind `<stage>/<use case>/`: roles and commands name no others. */
export const ROLLBACK_ALARM_PREFIX = 'Canary';
