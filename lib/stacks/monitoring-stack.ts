import type { Construct } from 'constructs';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { PipelineDashboard } from '../monitoring/dashboard.ts';
import type { RealtimeStack } from './realtime-stack.ts';
import type { StorageStack } from './storage-stack.ts';
import type { TrainingStack } from './training-stack.ts';

export interface MonitoringStackProps extends TidemarkStackProps {
  readonly storage: StorageStack;
  readonly realtime: RealtimeStack;
  readonly training: TrainingStack;
}

/** The dashboard over all stacks. Alarms stand beside what they watch, in its stack. */
export class MonitoringStack extends TidemarkStack {
  constructor(scope: Construct, id: string, props: MonitoringStackProps) {
    super(scope, id, { ...props, stateful: false });
    const { deployment, storage, realtime, training } = props;
    const { dashboard } = new PipelineDashboard(this, 'Pipeline', {
      deployment,
      stream: storage.stream,
      functions: realtime.functions,
      endpoint: realtime.endpoint,
      machine: training.machine,
      alarms: [...realtime.alarms.alarms, ...training.alarms.alarms],
    });
    this.output('DashboardName', dashboard.dashboardName, 'CloudWatch dashboard of the pipeline');
  }
}
