import { autoscalingStates } from './autoscaling-definition.ts';
import { changingStates } from './changing-definition.ts';
import { cleaningStates } from './cleaning-definition.ts';
import type { TrainingDefinitionProps } from './definition-props.ts';
import { findingStates } from './finding-definition.ts';
import { inProcessStates } from './in-process-definition.ts';
import { makingStates } from './making-definition.ts';
import { servingRecordStates } from './serving-record-definition.ts';
import { shadowStates } from './shadow-definition.ts';
import type { State } from './states.ts';
import { topologyStates } from './topology-definition.ts';
import { waitingStates } from './waiting-definition.ts';

/** From an approved model package to an endpoint, or functions, that serve it, or an error that says they do not. */
export function deploymentStates(props: TrainingDefinitionProps): Record<string, State> {
  if (props.inProcess) return inProcessStates(props, props.inProcess.functionArn);
  return {
    ...findingStates(props),
    ...topologyStates(props),
    ...makingStates(props),
    ...shadowStates(props),
    ...changingStates(props),
    ...waitingStates(props),
    ...servingRecordStates(props, 'Scaled'),
    ...autoscalingStates(props, 'ListEndpointConfigs'),
    ...cleaningStates(props),
  };
}
