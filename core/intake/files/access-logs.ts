/**
 * Access logs of CloudFront and of Application Load Balancers, a request a line.
 *
 * CloudFront: "the log file's header lists the fields", values are "URL-encoded", tabs are between them
 * (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html).
 * Load balancers: "fields are separated by spaces", and "new fields may be added to the end of a line, and parsers should
 * not fail" (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html).
 */
import { type Line, LONGEST_ROW, linesOf } from './lines.ts';
import { badRow, type Row, type RowReader, tableRow, textOf, tooLong, under } from './row.ts';

const NONE = '-';

/** What ALB's documentation names, in its order. */
const ALB_FIELDS = [
  'type',
  'time',
  'elb',
  'client:port',
  'target:port',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'elb_status_code',
  'target_status_code',
  'received_bytes',
  'sent_bytes',
  'request',
  'user_agent',
  'ssl_cipher',
  'ssl_protocol',
  'target_group_arn',
  'trace_id',
  'domain_name',
  'chosen_cert_arn',
  'matched_rule_priority',
  'request_creation_time',
  'actions_executed',
  'redirect_url',
  'error_reason',
  'target:port_list',
  'target_status_code_list',
  'classification',
  'classification_reason',
  'conn_trace_id',
];
/** All that the first of these logs had; what came later is absent in older ones. */
const ALB_LEAST = ALB_FIELDS.indexOf('sent_bytes') + 1;

/** Of all fields that the header names; `timestamp` is its `date` and `time`, unless it has one of its own. */
export const cloudfrontRows: RowReader = async function* (chunks) {
  let names: readonly string[] = [];
  let header: Uint8Array | null = null;
  for await (const { line, text, bad } of textsOf(chunks)) {
    if (bad) yield under(header, bad);
    else if (text.startsWith('#Fields:')) {
      names = text.slice('#Fields:'.length).trim().split(/\s+/);
      header = line.bytes;
    } else if (!text.startsWith('#')) yield under(header, cloudfrontRow(line, text, names));
  }
};

function cloudfrontRow({ place, bytes }: Line, text: string, names: readonly string[]): Row {
  const values = text.split('\t');
  if (names.length === 0) return badRow(place, bytes, 'found no line before that begins with #Fields:; allowed: one');
  if (values.length !== names.length)
    return badRow(place, bytes, `found ${values.length} values; allowed: ${names.length}, as #Fields: names them`);
  const read = values.map((value) => (value === NONE ? null : decoded(value)));
  const [date, time] = ['date', 'time'].map((name) => read[names.indexOf(name)] ?? null);
  if (date === null || time === null || names.includes('timestamp')) return tableRow(place, names, read);
  return tableRow(place, [...names, 'timestamp'], [...read, `${date}T${time}Z`]);
}

/** A stray % is what a client sent; nothing is lost by leaving it. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

export const albRows: RowReader = async function* (chunks) {
  for await (const { line, text, bad } of textsOf(chunks)) yield bad ?? albRow(line, text);
};

/** Blanks are between values, and quotes around some; no value holds a quote: AWS's own pattern for Athena says so. */
function albRow({ place, bytes }: Line, text: string): Row {
  const values = [...text.matchAll(/"([^"]*)"(?= |$)|([^" ]+)(?= |$)/g)];
  const read = values.map((match) => match[1] ?? match[2]!);
  const written = values.map((match) => match[0]).join(' ');
  if (written !== text.trimEnd())
    return badRow(place, bytes, 'found quotes or blanks where none belong; allowed: values with one blank between');
  if (read.length < ALB_LEAST)
    return badRow(place, bytes, `found ${read.length} values; allowed: ${ALB_LEAST} or more`);
  // A field that AWS adds has no name yet: its place stands for it.
  const names = read.map((_, i) => ALB_FIELDS[i] ?? `field_${i + 1}`);
  return tableRow(
    place,
    names,
    read.map((value) => (value === NONE ? null : value)),
  );
}

async function* textsOf(chunks: AsyncIterable<Uint8Array>) {
  for await (const line of linesOf(chunks)) {
    if (line.length > LONGEST_ROW) yield { line, text: '', bad: tooLong(line) };
    else if (line.bytes.length > 0) {
      const text = textOf(line);
      yield typeof text === 'string' ? { line, text, bad: null } : { line, text: '', bad: text };
    }
  }
}
