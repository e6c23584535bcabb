import { z } from 'zod';
import type { Clients } from '../../stage/connection.ts';
import type { Resources } from '../../stage/resources.ts';
import { physicalIds, readTemplate, type WrittenResources } from '../../stage/stack-template.ts';

/** Where the messages of a dead-letter queue would have gone. */
export type Receiver =
  /** Asynchronous invocations that failed, and what the schedule could not start: the body is the function's event. */
  | { readonly kind: 'function'; readonly name: string }
  /** A subscription that could not invoke its function: the body is the topic's notification. */
  | { readonly kind: 'subscription'; readonly name: string; readonly arn: string }
  /** A rule that could not start the state machine: the body is the event, or the input that the rule made of it. */
  | { readonly kind: 'state machine'; readonly name: string }
  /** Messages of a queue that failed too often: they go back into it. */
  | { readonly kind: 'queue'; readonly name: string }
  /** A rule that could not publish: the body is what it would have published. */
  | { readonly kind: 'topic'; readonly name: string };

export interface DeadLetterQueue {
  readonly url: string;
  /** For people, as its alarm names it: e.g. AlertingNotifierDeadLetters. */
  readonly name: string;
  readonly receiver: Receiver;
}

/** A reference to another resource of the template: { Ref } or { "Fn::GetAtt": [id, attribute] }. */
const reference = z
  .union([z.object({ Ref: z.string() }), z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) })])
  .transform((value) => ('Ref' in value ? value.Ref : value['Fn::GetAtt'][0]));

const lambda = z.object({ DeadLetterConfig: z.object({ TargetArn: reference }) });
const subscription = z.object({ RedrivePolicy: z.object({ deadLetterTargetArn: reference }), Endpoint: reference });
const target = z.object({ Arn: z.unknown(), DeadLetterConfig: z.object({ Arn: reference }) });
const queue = z.object({ RedrivePolicy: z.object({ deadLetterTargetArn: reference }) });
const rule = z.object({ Targets: z.array(z.unknown()) });
const schedule = z.object({ Target: target });
/**
 * The dead-letter queues of a deployment with their receivers, read from its deployed templates: a queue stands in the
 * stack of what fills it.
 */
export async function deadLetterQueues(
  { cloudformation }: Pick<Clients, 'cloudformation'>,
  resources: Resources,
): Promise<DeadLetterQueue[]> {
  const found: DeadLetterQueue[] = [];
  for (const { StackName = '' } of resources.stacks) {
    const written = await readTemplate(cloudformation, StackName);
    const physical = await physicalIds(cloudformation, StackName);
    const topic = resources.find('alarmTopic') ?? '';
    for (const [id, { Type, Properties }] of Object.entries(written)) {
      for (const [queue, receiver] of receiversOf(Type, Properties, { id, physical, written, topic })) {
        const url = physical.get(queue);
        // Without the hash that makes the logical id unique.
        // A rule and its function may share one: the messages are for the function either way.
        if (url !== undefined && !found.some((one) => one.url === url))
          found.push({ url, name: queue.replace(/[0-9A-F]{8}$/, ''), receiver });
      }
    }
  }
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

interface Around {
  readonly id: string;
  readonly physical: ReadonlyMap<string, string>;
  readonly written: WrittenResources;
  /** Where rules publish that can't name a topic of their own stack. */
  readonly topic: string;
}

/** Pairs of the logical id of a queue and who its messages are for. */
function* receiversOf(type: string, properties: unknown, around: Around): Generator<readonly [string, Receiver]> {
  const named = (id: string) => around.physical.get(id) ?? '';
  if (type === 'AWS::Lambda::Function') {
    const { data } = lambda.safeParse(properties);
    if (data) yield [data.DeadLetterConfig.TargetArn, { kind: 'function', name: named(around.id) }];
  }
  if (type === 'AWS::SNS::Subscription') {
    const { data } = subscription.safeParse(properties);
    if (data)
      yield [
        data.RedrivePolicy.deadLetterTargetArn,
        { kind: 'subscription', name: named(data.Endpoint), arn: named(around.id) },
      ];
  }
  if (type === 'AWS::SQS::Queue') {
    const { data } = queue.safeParse(properties);
    if (data) yield [data.RedrivePolicy.deadLetterTargetArn, { kind: 'queue', name: named(around.id) }];
  }
  if (type === 'AWS::Scheduler::Schedule') {
    const { data } = schedule.safeParse(properties);
    if (data) yield* ofTarget(data.Target, around);
  }
  if (type === 'AWS::Events::Rule') {
    for (const one of rule.safeParse(properties).data?.Targets ?? []) {
      const { data } = target.safeParse(one);
      if (data) yield* ofTarget(data, around);
    }
  }
}

function* ofTarget(of: z.infer<typeof target>, around: Around): Generator<readonly [string, Receiver]> {
  const id = reference.safeParse(of.Arn).data;
  const type = id === undefined ? undefined : around.written[id]?.Type;
  const name = id === undefined ? '' : (around.physical.get(id) ?? '');
  const queue = of.DeadLetterConfig.Arn;
  if (type === 'AWS::Lambda::Function') yield [queue, { kind: 'function', name }];
  else if (type === 'AWS::StepFunctions::StateMachine') yield [queue, { kind: 'state machine', name }];
  else yield [queue, { kind: 'topic', name: type === 'AWS::SNS::Topic' ? name : around.topic }];
}
