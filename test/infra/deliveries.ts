/**
 * Which AWS service writes to which topic or queue by itself, and whether the policies of the target and of its key let it.
 */
import {
  list,
  type Placed,
  type Statement,
  sameResource,
  servicesOf,
  statementsOf,
  type Templates,
} from './templates.ts';

/** A service that writes to a topic or queue as itself, not as a role of ours. */
export interface Delivery {
  readonly service: string;
  readonly what: string;
  readonly target: Placed;
}

/** Services whose calls to KMS carry no aws:SourceAccount and aws:SourceArn: a condition on them never holds. */
const WITHOUT_SOURCE = new Set(['events.amazonaws.com']);

const KEY_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey'];
const SENDS: Readonly<Record<string, string>> = {
  'AWS::SNS::Topic': 'sns:Publish',
  'AWS::SQS::Queue': 'sqs:SendMessage',
};
const POLICIES: Readonly<Record<string, readonly [type: string, of: string]>> = {
  'AWS::SNS::Topic': ['AWS::SNS::TopicPolicy', 'Topics'],
  'AWS::SQS::Queue': ['AWS::SQS::QueuePolicy', 'Queues'],
};

const ALARMS = ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm'];

export function deliveriesOf(templates: Templates): Delivery[] {
  const found: Delivery[] = [];
  const add = (service: string, from: Placed, what: string, to: unknown) => {
    const target = templates.target(from.stack, to);
    if (target !== undefined && SENDS[target.type] !== undefined) {
      found.push({ service, what: `${what} ${from.stack}/${from.id}`, target });
    }
  };
  for (const alarm of ALARMS.flatMap((type) => templates.all(type))) {
    for (const kind of ['AlarmActions', 'OKActions', 'InsufficientDataActions']) {
      for (const action of list(alarm.properties[kind])) add('cloudwatch.amazonaws.com', alarm, kind, action);
    }
  }
  for (const rule of templates.all('AWS::Events::Rule')) {
    for (const target of list(rule.properties.Targets) as Array<Record<string, unknown>>) {
      add('events.amazonaws.com', rule, 'target', target.Arn);
      add('events.amazonaws.com', rule, 'dead letters', (target.DeadLetterConfig as { Arn: unknown } | undefined)?.Arn);
    }
  }
  for (const subscription of templates.all('AWS::SNS::Subscription')) {
    const redrive = subscription.properties.RedrivePolicy as { deadLetterTargetArn: unknown } | undefined;
    add('sns.amazonaws.com', subscription, 'dead letters', redrive?.deadLetterTargetArn);
  }
  return found;
}

/** One sentence for each delivery that its target or the target's key refuses. */
export function refusedDeliveries(templates: Templates): string[] {
  return [
    ...new Set(
      deliveriesOf(templates).flatMap(({ service, what, target }) => {
        const to = `${service} to ${target.stack}/${target.id} (${what})`;
        const action = SENDS[target.type] ?? '';
        return [
          ...(policyStatements(templates, target).some((statement) => allows(statement, service, action))
            ? []
            : [`${to}: no resource-based policy allows ${action}`]),
          ...keyProblems(templates, target, service).map((problem) => `${to}: ${problem}`),
        ];
      }),
    ),
  ];
}

/** Statements of keys whose condition never holds for one of its services. */
export function deadKeyStatements(templates: Templates): string[] {
  return templates.all('AWS::KMS::Key').flatMap(({ id, properties }) =>
    statementsOf(properties.KeyPolicy).flatMap((statement) =>
      servicesOf(statement)
        .filter((service) => WITHOUT_SOURCE.has(service) && hasSourceCondition(statement))
        .map((service) => `${id} ${statement.Sid}: ${service} sends no aws:SourceAccount to KMS`),
    ),
  );
}

function policyStatements(templates: Templates, target: Placed): Statement[] {
  const [type, of] = POLICIES[target.type] ?? ['', ''];
  return templates
    .all(type)
    .filter(({ stack, properties }) =>
      list(properties[of]).some((reference) => sameResource(templates.target(stack, reference), target)),
    )
    .flatMap(({ properties }) => statementsOf(properties.PolicyDocument));
}

function keyProblems(templates: Templates, target: Placed, service: string): string[] {
  const reference = target.properties.KmsMasterKeyId;
  if (reference === undefined) return [];
  const key = templates.target(target.stack, reference);
  if (key === undefined) return ['its key is none of ours'];
  const statements = statementsOf(key.properties.KeyPolicy).filter(
    (statement) => !(WITHOUT_SOURCE.has(service) && hasSourceCondition(statement)),
  );
  return KEY_ACTIONS.filter((action) => !statements.some((statement) => allows(statement, service, action))).map(
    (action) => `the key ${key.stack}/${key.id} does not allow ${action}`,
  );
}

function allows(statement: Statement, service: string, action: string): boolean {
  return (
    statement.Effect === 'Allow' &&
    servicesOf(statement).includes(service) &&
    list(statement.Action).some((pattern) => matches(pattern, action))
  );
}

function matches(pattern: string, action: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action);
}

function hasSourceCondition({ Condition }: Statement): boolean {
  return Object.values(Condition ?? {}).some((keys) => Object.keys(keys).some((key) => /^aws:source/i.test(key)));
}
