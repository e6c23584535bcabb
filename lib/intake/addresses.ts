/** What a stage's configuration says of the ways that are read: `sources: { <name>: { <carriage>: { … } } }`. */
import { z } from 'zod';

const arn = (service: string, resource: RegExp, example: string) =>
  z.string().regex(new RegExp(`^arn:[a-z-]+:${service}:[a-z0-9-]+:\\d{12}:${resource.source}$`), example);
const secret = arn('secretsmanager', /secret:.+/, 'the ARN of a secret');

export const kinesisAddress = z.strictObject({
  /** Of the stream that DMS, Aurora DSQL or a producer of yours writes to: never the application's own. */
  streamArn: arn('kinesis', /stream\/[\w.-]+/, 'the ARN of a stream'),
  /** Of the key that encrypts it, where that is a key of yours. */
  keyArn: arn('kms', /key\/[\w-]+/, 'the ARN of a key').optional(),
});

export const dynamodbAddress = z.strictObject({
  /** Of the table's stream: it needs new and old images for what an update changed. */
  streamArn: arn('dynamodb', /table\/[\w.-]+\/stream\/[\w.:-]+/, 'the ARN of a table’s stream'),
  /** Of the key that encrypts the table, where that is a key of yours. */
  keyArn: arn('kms', /key\/[\w-]+/, 'the ARN of a key').optional(),
});

export const kafkaAddress = z
  .strictObject({
    topic: z.string().regex(/^[^.][a-zA-Z0-9\-_.]{0,248}$/, 'the name of a topic'),
    /** Of MSK. Without a secret the function proves itself by IAM. */
    clusterArn: arn('kafka', /cluster\/[\w-]+\/[\w-]+/, 'the ARN of a cluster').optional(),
    /** Of a cluster of your own: `host:port`, some of its brokers. */
    brokers: z
      .array(z.string().regex(/^[\w.-]+:\d{1,5}$/, 'host:port'))
      .min(1)
      .max(10)
      .optional(),
    /** Who reads the topic with this name goes on where it stood, also after the stack was made anew. */
    consumerGroup: z
      .string()
      .regex(/^[a-zA-Z0-9-/*:_+=.@-]{1,200}$/, 'the name of a consumer group')
      .optional(),
    /** User and password of the brokers, `{"username": …, "password": …}`. */
    credentials: z
      .strictObject({ secretArn: secret, method: z.enum(['SASL_SCRAM_512', 'SASL_SCRAM_256', 'BASIC']) })
      .optional(),
    /** Certificate of the authority that signed those of the brokers, where it is none that everybody knows. */
    rootCertificateSecretArn: secret.optional(),
    /** Where the brokers are reached from; they need ways to Lambda, STS, S3 and Secrets Manager too (NAT or endpoints). */
    vpc: z
      .strictObject({
        subnetIds: z.array(z.string().regex(/^subnet-[0-9a-f]+$/, 'subnet-…')).min(1),
        securityGroupId: z.string().regex(/^sg-[0-9a-f]+$/, 'sg-…'),
      })
      .optional(),
    /** Pollers that are paid for, at least and at most: what retries, splitting and giving up need. */
    pollers: z.strictObject({ least: z.int().min(1).max(200), most: z.int().min(1).max(2000) }).optional(),
    /** Records behind the topic's end that warn when it lasts 5 minutes. */
    lagRecords: z.int().min(1).default(10_000),
  })
  .refine(({ clusterArn, brokers }) => (clusterArn === undefined) !== (brokers === undefined), {
    message: 'clusterArn, or brokers',
  })
  .refine(({ clusterArn, vpc }) => clusterArn === undefined || vpc === undefined, {
    message: 'no vpc with clusterArn: MSK knows its own',
  });

export const logsAddress = z.strictObject({
  logGroup: z.string().regex(/^[.\-_/#A-Za-z0-9]{1,512}$/, 'the name of a log group'),
  /** What of it comes, in CloudWatch's language of filters; absent: all of it. */
  filterPattern: z.string().max(1024).optional(),
});

export const iotAddress = z.strictObject({
  /** MQTT's: `+` is one level, `#` the rest. */
  topicFilter: z
    .string()
    .max(256)
    .regex(/^(?!\$)[^'\\\s]+$/, 'a topic filter such as devices/+/telemetry'),
});

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

export type KinesisAddress = z.output<typeof kinesisAddress>;
export type DynamodbAddress = z.output<typeof dynamodbAddress>;
export type KafkaAddress = z.output<typeof kafkaAddress>;
export type LogsAddress = z.output<typeof logsAddress>;
export type IotAddress = z.output<typeof iotAddress>;
