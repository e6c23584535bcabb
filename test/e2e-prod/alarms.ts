import { type CompositeAlarm, type MetricAlarm, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import type { Session } from '../../cli/commands/demo/session.ts';

/** All of them: unless asked for, CloudWatch leaves the composite ones out. */
export async function alarms(session: Session): Promise<(MetricAlarm | CompositeAlarm)[]> {
  const found: (MetricAlarm | CompositeAlarm)[] = [];
  const client = session.connection.clients.cloudwatch;
  for await (const page of paginateDescribeAlarms({ client }, { AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] }))
    found.push(...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? []));
  return found;
}

/** Names of the alarms that ring and wake somebody, with why. */
export async function criticalAlarms(session: Session): Promise<string[]> {
  return (await alarms(session))
    .filter(({ StateValue, AlarmDescription }) => StateValue === 'ALARM' && AlarmDescription?.startsWith('CRITICAL'))
    .map(({ AlarmName, StateReason }) => `${AlarmName}: ${StateReason}`);
}
