/** What a stage's configuration says of a way of a source: where it is to be read. */
import { z } from 'zod';
import { ConfigError, describeIssues } from '../config/config-error.ts';
import type { StageConfig } from '../config/stage-config.ts';

const text = z.string().min(1);

/** When a table is read again by itself. */
const reading = {
  /** As Glue takes it, in UTC. */
  schedule: z.string().regex(/^cron\(.+\)$/, 'a schedule such as cron(20 * * * ? *)'),
  /** After so many hours without a new event the alarm rings. Absent: it may be silent. */
  silentHours: z.int().min(1).max(24).optional(),
};

/** `sources.<name>.table`. */
export const tableAddress = z.strictObject({
  ...reading,
  /** Of the Glue catalog. */
  database: text,
  table: text,
  /** Where its files lie: s3://<bucket>/<folder>/. */
  location: z.string().regex(/^s3:\/\/[a-z0-9.-]+\/.+\/$/, 's3://<bucket>/<folder>/, with its closing slash'),
  /** ARN of the KMS key of that bucket. Absent: it has none of its own. */
  key: text.optional(),
});

/** `sources.<name>.jdbc`. */
export const jdbcAddress = z.strictObject({
  ...reading,
  /** jdbc:postgresql://<host>:<port>/<database> or jdbc:mysql://… */
  url: z
    .string()
    .regex(/^jdbc:(postgresql|mysql):\/\/[^\s?]+$/, 'jdbc:postgresql://<host>:<port>/<database>, or mysql'),
  /** With its schema where it is not the user's own: sales.orders. */
  table: text,
  /** ARN of the secret that holds `username` and `password`; of a user that may read this table and nothing else. */
  secret: text,
  /** Network in which the database answers. */
  network: z.strictObject({
    subnet: z.string().regex(/^subnet-[0-9a-f]{8,17}$/, 'subnet-…'),
    availabilityZone: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'a zone such as eu-west-1a'),
    securityGroups: z.array(z.string().regex(/^sg-[0-9a-f]{8,17}$/, 'sg-…')).min(1),
  }),
});

/**
 * @returns null where the stage does not say it
 * @throws ConfigError that names the field
 */
export function addressOf<Schema extends z.ZodObject>(
  { sources, stage }: StageConfig,
  source: string,
  way: string,
  schema: Schema,
): z.output<Schema> | null {
  const said = sources[source]?.[way];
  if (said === undefined) return null;
  const parsed = schema.safeParse(said);
  if (parsed.success) return parsed.data;
  throw new ConfigError(`lib/config/${stage}.ts: sources.${source}.${way}`, describeIssues(parsed.error, said));
}
