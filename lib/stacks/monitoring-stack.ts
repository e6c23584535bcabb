import { CrossStackReferences, ReferenceStrength } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { PipelineDashboard } from '../monitoring/dashboard.ts';
import type { IntakeStack } from './intake-stack.ts';
import type { RealtimeStack } from './realtime-stack.ts';
import type { StorageStack } from './storage-stack.ts';
import type { TrainingStack } from './training-stack.ts';

export interface MonitoringStackProps extends TidemarkStackProps {
  readonly storage: StorageStack;
  readonly realtime: RealtimeStack;
  readonly training: TrainingStack;
  /** Null without sources. */
  readonly intake: IntakeStack | null;
}

/**
 * The dashboard over all stacks. Alarms stand beside what they watch, in its stack.
 *
 * It alone reads the other stacks weakly (`Fn::GetStackOutput`): a function or machine that goes must not be held back by a
 * graph. Each occurrence is a call of DescribeStacks, so it names alarms by their names (docs/adr/0013).
 */
export class MonitoringStack extends TidemarkStack {
  constructor(scope: Construct, id: string, props: MonitoringStackProps) {
    super(scope, id, { ...props, stateful: false });
    CrossStackReferences.of(this).consume(ReferenceStrength.WEAK);
    const { deployment, storage, realtime, training, intake } = props;
    const { dashboard } = new PipelineDashboard(this, 'Pipeline', {
      deployment,
      stream: storage.stream,
      functions: realtime.functions,
      endpoint: realtime.endpoint,
      machine: training.machine,
      ways: intake?.ways ?? [],
      alarms: [...realtime.alarms.names, ...training.alarms.names, ...(intake?.alarms.names ?? [])],
    });
    this.output('dashboard', dashboard.dashboardName, 'CloudWatch dashboard of the pipeline');
  }
}
