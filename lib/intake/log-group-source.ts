import { FilterPattern, LogGroup, SubscriptionFilter } from 'aws-cdk-lib/aws-logs';
import { LambdaDestination } from 'aws-cdk-lib/aws-logs-destinations';
import { Construct } from 'constructs';
import type { Env } from '../../lambdas/intake-stream/env.ts';
import type { NodeFunction } from '../foundation/node-function.ts';
import { pascalCase } from '../foundation/pascal-case.ts';
import { addDeadLetterAlarm, addErrorAlarm } from '../monitoring/function-alarms.ts';
import type { LogsAddress } from './addresses.ts';
import type { SourceProps } from './intake-source.ts';
import { streamFunction } from './stream-function.ts';

/** The lines of a log group that is there already, by a subscription; a group has two of them at most. */
export class LogGroupSource extends Construct {
  readonly fn: NodeFunction<Env>;

  constructor(scope: Construct, id: string, props: SourceProps & { readonly address: LogsAddress }) {
    super(scope, id);
    const { address, alarms, source } = props;
    this.fn = streamFunction(this, props, 'logs', 'asynchronous');
    new SubscriptionFilter(this, 'Subscription', {
      logGroup: LogGroup.fromLogGroupName(this, 'LogGroup', address.logGroup),
      destination: new LambdaDestination(this.fn.function),
      filterPattern: { logPatternString: address.filterPattern ?? FilterPattern.allEvents().logPatternString },
    });
    const name = `${pascalCase(source.name)}Logs`;
    addErrorAlarm(
      alarms,
      name,
      this.fn.function,
      'Each call is tried twice more, and then waits in its dead-letter queue.',
    );
    addDeadLetterAlarm(alarms, name, this.fn.deadLetters!, `Lines of ${source.name} were not taken`);
  }
}
