import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseTimestamp } from '../../../core/values/time.ts';
import type { FeaturesAnswer, FeaturesQuestion } from '../../../names/reports.ts';
import { BAD_LINES } from '../../input/bad-lines.ts';
import { sourceOption, stageOption, useCaseOption } from '../../options.ts';
import type { Target } from '../../stage/resources.ts';
import { type OpenStage, withStage } from '../../stage/stage.ts';
import { featuresAt } from './at.ts';
import { backfill } from './backfill.ts';
import { ENGINES, evaluate } from './eval.ts';
import { release } from './release.ts';

/** More would scroll the values away; --json has all. */
const SHOWN_EVENTS = 50;

/** Adds `tidemark features …`. */
export function addFeatures(root: Command): void {
  const features = root.command('features').description('the values of features, and why they are what they are');
  features
    .command('at')
    .description('show what the features of an entity were at an instant, what was known, and by which events')
    .requiredOption('--entity <id>', 'the entity_id')
    .requiredOption('--t <time>', 'the instant: ISO 8601 with a zone, or ms', instant)
    .option('--knowledge <when>', 'asof (known at t), latest, or a time', knowledge, 'asof')
    .option('--json', 'print everything as JSON')
    .addOption(stageOption())
    .addOption(useCaseOption())
    // The answer alone goes to standard output.
    .action((options: AtOptions) => withStage(options, (stage) => at(stage, options), process.stderr));
  features
    .command('eval')
    .description('compute features from files, by any of the three engines, which must agree to the bit')
    .requiredOption('--usecase <folder>', 'name of a folder under usecases/, or a path to any folder with an index.ts')
    .requiredOption('--events <file>', 'events as producers send them: a file, folder or pattern; - is standard input')
    .requiredOption('--queries <file>', '{"entity_id", "t"}, as --events')
    .addOption(
      new Option('--engine <engine>', 'the stream processor, the Spark join, or the specification')
        .choices(ENGINES)
        .default('stream'),
    )
    .option('--knowledge <when>', 'asof (known at each t), latest, or a time', knowledge, 'asof')
    .option('--view <name>', "one of the use case's views (default: the one its model reads)")
    .option('--batch <n>', 'stream: events per batch, at most', whole, 100)
    .option('--shuffle <seed>', 'stream: shards that overtake each other, batches of any size, redeliveries', seed)
    .addOption(
      new Option('--bad-lines <what>', 'leave bad lines out (exit code 3), or refuse all (exit code 2)')
        .choices(BAD_LINES)
        .default('skip'),
    )
    .addOption(sourceOption())
    .option('--units', "with each answer the units of its values: 10^-2 for a decimal(2)'s minor units, ms for times")
    .option('--no-heal', 'stream: what is served before the nightly healing')
    .addHelpText('after', EVAL_HELP)
    .action(evaluate);
  features
    .command('backfill')
    .description('complete the deployed view version: compact the archive, then fill the states, beside live traffic')
    .addOption(stageOption())
    .addOption(useCaseOption())
    .action((target: Target) => withStage(target, backfill));
  features
    .command('release')
    .description("write a use case's released.json: the next deployments keep this version beside a changed one")
    .requiredOption('--usecase <folder>', 'name of a folder under usecases/, or a path to any folder with an index.ts')
    .addHelpText('after', RELEASE_HELP)
    .action(release);
}

const RELEASE_HELP = `
While the view that the model reads differs from released.json, a deployment keeps both versions up: the released one serves
until the backfill of the new one is complete and a model of it is deployed. Release then, commit the file and deploy again.

A contract that breaks what was released is refused, here and by every deployment: give it a new schema version instead.
Fine are a new event type, schema version, optional field or enum value, and wider limits.

  npx tidemark features release --usecase churn`;

const EVAL_HELP = `
Events: {"event_id", "entity_id", "event_type", "event_time", "source", "schema_version", "properties"} by the contracts of the
use case, and optionally "available_at" (ISO 8601 with a zone, or ms since 1970; default: the event time), when it became known.
Queries: {"entity_id", "t"}, t as ISO 8601 with a zone or whole ms. Answers: {"entity_id", "t", "features": {name: value | null}},
one per query, in order, t as it was asked. A query may carry a "knowledge" of its own, as the option (a time also as ms).
Files have one JSON object per line, or one array; packed by gzip or not, in UTF-8 or UTF-16. Bad lines are told on standard error by
file, line and reason, with their counts; --bad-lines fail: then nothing is on standard output.
With --source the events are rows of CSV, JSON or Parquet files, by the map of this source of the use case (sources.ts).
A use case outside of this repository imports from 'tidemark': import { contract, count, defineUseCase, field } from 'tidemark'.

  npx tidemark features eval --usecase churn --events events.ndjson --queries queries.ndjson --engine spark`;

function instant(text: string): number {
  const parsed = /^\d+$/.test(text) ? parseTimestamp(Number(text), 'epoch_ms') : parseTimestamp(text, 'iso8601');
  if ('error' in parsed) throw new InvalidArgumentError('allowed is ISO 8601 with a zone, or ms since 1970.');
  return parsed.value;
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('allowed is a whole number from 1 to 999999.');
  return Number(text);
}

function seed(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('allowed is a whole number.');
  return Number(text);
}

function knowledge(text: string): FeaturesQuestion['knowledge'] {
  return text === 'asof' || text === 'latest' ? text : instant(text);
}

interface AtOptions extends Target {
  readonly entity: string;
  readonly t: number;
  readonly knowledge: FeaturesQuestion['knowledge'];
  readonly json?: boolean;
}

async function at(stage: OpenStage, { entity, t, knowledge, json }: AtOptions): Promise<void> {
  const answer = await stage.step('Look into the past (Glue)', (watch) =>
    featuresAt(stage.clients, stage.resources, { entity_id: entity, t, knowledge }, watch),
  );
  console.log(json ? JSON.stringify(answer, null, 2) : readable(answer));
}

/** What was, beside what is known by now where that differs, then the events, newest first. */
export function readable(answer: FeaturesAnswer): string {
  const { t, known_before, features, events, refused } = answer;
  const known = known_before === null ? 'with all that is known by now' : `as known before ${iso(known_before)}`;
  const lines = [`${answer.view} at ${iso(t)}, ${known} (snapshot ${answer.snapshot_id})`, ''];
  const width = Math.max(0, ...features.map(({ name }) => name.length));
  for (const { name, value, latest } of features) {
    const [was, is] = [JSON.stringify(value), JSON.stringify(latest)];
    lines.push(`${name.padEnd(width)}  ${was}${was === is ? '' : `   (latest: ${is})`}`);
  }
  lines.push('', `${events.length} events before then:`);
  for (const event of events.slice(0, SHOWN_EVENTS)) {
    const what = `${iso(event.event_time)}  known ${iso(event.available_at)}  ${event.status.padEnd(13)}`;
    lines.push(`${what}  ${event.event_type}  ${event.event_id}  ${event.features.join(', ')}`.trimEnd());
  }
  if (events.length > SHOWN_EVENTS) lines.push(`… and ${events.length - SHOWN_EVENTS} older ones (--json shows all)`);
  if (refused.length > 0) lines.push('', `${refused.length} refused records:`);
  for (const { reason, arrival, event_id } of refused)
    lines.push(`${iso(arrival)}  ${reason}  ${event_id ?? ''}`.trimEnd());
  return lines.join('\n');
}

const iso = (ms: number) => new Date(ms).toISOString();
