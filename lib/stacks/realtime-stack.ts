import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { hasTurns } from '../../core/scores/policy.ts';
import { Alerting } from '../alerting/alerting.ts';
import { Dispatcher } from '../alerting/dispatcher.ts';
import { OutcomeDoor } from '../alerting/outcome-door.ts';
import { SlackChannel } from '../alerting/slack-channel.ts';
import { TidemarkStack, type TidemarkStackProps } from '../foundation/tidemark-stack.ts';
import { Archiver } from '../ingestion/archiver.ts';
import { Processor } from '../ingestion/processor.ts';
import { addWriteThrottleAlarm } from '../ingestion/stream-alarms.ts';
import { AlarmRegistry } from '../monitoring/alarm-registry.ts';
import { Api } from '../serving/api.ts';
import { InProcessModel } from '../serving/in-process-model.ts';
import { Scorer } from '../serving/scorer.ts';
import { ScoringEndpoint } from '../serving/scoring-endpoint.ts';
import { Sweep } from '../serving/sweep.ts';
import type { StorageStack } from './storage-stack.ts';

/** From an event to features, and where the use case has them to a score and an alert, in seconds. */
export class RealtimeStack extends TidemarkStack {
  readonly alarms: AlarmRegistry;
  /** Absent without a model, and where functions load it themselves. */
  readonly endpoint?: ScoringEndpoint;
  /** By the name they have on the dashboard. */
  readonly functions: Readonly<Record<string, IFunction>>;

  constructor(scope: Construct, id: string, props: TidemarkStackProps & { readonly storage: StorageStack }) {
    super(scope, id, { ...props, stateful: false });
    const { deployment, storage } = props;
    const { key, lake, stream, features, scores, alarmTopic, slackSecret } = storage;
    this.alarms = new AlarmRegistry(this, 'Alarms', { deployment, topic: alarmTopic });
    const common = { deployment, alarms: this.alarms, lake };
    const inProcess = deployment.stage.endpoint.mode === 'in-process';
    if (scores && !inProcess) this.endpoint = new ScoringEndpoint(this, 'Endpoint', { deployment });
    const endpoint = scores && (this.endpoint ?? new InProcessModel({ deployment, alarms: this.alarms, lake }));
    addWriteThrottleAlarm(this.alarms, stream);
    const processor = new Processor(this, 'Processor', { ...common, stream, features });
    const archiver = new Archiver(this, 'Archiver', { ...common, stream, features });
    const serving = scores && endpoint && { ...common, features, scores, endpoint };
    const scorer = serving && new Scorer(this, 'Scorer', serving);
    const sweep = serving && new Sweep(this, 'Sweep', { ...serving, key, stream });
    const model = scores && endpoint && { scores, endpoint };
    const api = new Api(this, 'Api', { ...common, features, model });
    const alerting = scores && slackSecret && new Alerting(this, 'Alerting', { ...common, key, scores, slackSecret });
    const outcomes = alerting && new OutcomeDoor(this, 'Outcomes', { ...common, key, scores, slackSecret });
    const { alerts } = deployment.useCase.ir;
    const dispatcher =
      alerting &&
      alerts &&
      hasTurns(alerts) &&
      new Dispatcher(this, 'Dispatcher', { ...common, key, features, scores });
    if (deployment.stage.alarms.slackChannel !== undefined) {
      new SlackChannel(this, 'SlackChannel', {
        deployment,
        key,
        channel: deployment.stage.alarms.slackChannel,
        topics: [alarmTopic],
      });
    }
    this.functions = {
      Processor: processor.fn.function,
      Archiver: archiver.fn.function,
      ...(scorer && { Scorer: scorer.fn.function }),
      ...(sweep && { Sweep: sweep.fn.function }),
      Api: api.fn.function,
      ...(dispatcher && { Dispatcher: dispatcher.fn.function }),
      ...(outcomes && { Outcomes: outcomes.fn.function }),
      ...(alerting && { Publisher: alerting.publisher.function, Notifier: alerting.notifier.function }),
    };

    this.output('api', api.url, `HTTP API, IAM-signed: POST ${api.paths.join(', ')}`);
    this.output('processorFunction', processor.fn.function.functionName, 'Folds events into states');
    if (scorer) this.output('scorerFunction', scorer.fn.function.functionName, 'Scores changed entities');
    if (sweep) this.output('sweepFunction', sweep.fn.function.functionName, 'Scores silent entities');
    if (dispatcher)
      this.output('dispatcherFunction', dispatcher.fn.function.functionName, 'Gives alerts that wait their turn');
    if (outcomes)
      this.output('outcomesUrl', outcomes.url, 'Request URL of the Slack app: presses of the buttons under alerts');
    if (alerting) this.output('alertTopic', alerting.topic.topicArn, 'Topic of the alerts');
  }
}
