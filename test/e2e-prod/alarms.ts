import { type MetricAlarm, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import type { Session } from '../../cli/demo/session.ts';

export async function alarms(session: Session): Promise<MetricAlarm[]> {
  const found: MetricAlarm[] = [];
  const client = session.connection.clients.cloudwatch;
  for await (const page of paginateDescribeAlarms({ client }, {})) found.push(...(page.MetricAlarms ?? []));
  return found;
}

/** Names of the alarms that ring, with why. @param severity `CRITICAL`: those that wake somebody */
export async function ringing(session: Session, severity: 'CRITICAL' | 'WARNING'): Promise<string[]> {
  return (await alarms(session))
    .filter(({ StateValue, AlarmDescription }) => StateValue === 'ALARM' && AlarmDescription?.startsWith(severity))
    .map(({ AlarmName, StateReason }) => `${AlarmName}: ${StateReason}`);
}
