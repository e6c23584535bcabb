/** What stands around the app on its own day: somebody else's stream, table, log group, partner, broker and database. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { CreatePartnerEventSourceCommand } from '@aws-sdk/client-eventbridge';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { VENV_PYTHON } from '../../../../setup/environment.mjs';
import type { Progress } from '../../../../setup/progress.mjs';
import { CliError } from '../../../errors.ts';
import { ROOT } from '../../../paths.ts';
import type { Connection } from '../../../stage/connection.ts';
import type { Resources } from '../../../stage/resources.ts';

const NAME = 'storefront';
const TOPIC = 'market.public.orders';
/** Where the warehouse that somebody else fills has its files. */
const WAREHOUSE = 'storefront-warehouse';
const SCHEDULE = 'cron(20 * * * ? *)';
const READY_MS = 120_000;

type Row = Readonly<Record<string, string | number>>;

/** A server that prints one line of JSON when it is up, and ends with its standard input. */
interface Server {
  readonly said: Readonly<Record<string, string>>;
  /** Gives it a line. @returns the line that it answers with */
  ask(line: string): Promise<Readonly<Record<string, unknown>>>;
  close(): Promise<void>;
}

export class Surroundings {
  readonly stream = `${NAME}-dms`;
  readonly table = `${NAME}-profiles`;
  readonly logGroup = `/${NAME}/app`;
  readonly iot: IoTDataPlaneClient;
  readonly #connection: Connection;
  readonly #servers: readonly Server[];
  readonly #bootstrap: string;
  readonly #postgres: Server;

  private constructor(connection: Connection, kafka: Server, postgres: Server) {
    const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = connection.env;
    this.iot = new IoTDataPlaneClient({
      endpoint: AWS_ENDPOINT_URL!,
      region: AWS_REGION!,
      credentials: { accessKeyId: AWS_ACCESS_KEY_ID!, secretAccessKey: AWS_SECRET_ACCESS_KEY! },
    });
    this.#connection = connection;
    this.#servers = [kafka, postgres];
    this.#bootstrap = kafka.said.bootstrap!;
    this.#postgres = postgres;
  }

  /** Starts what is a server of its own, and makes what is AWS's. The first time, Kafka and PostgreSQL are fetched into `.cache`. */
  static async start(connection: Connection, progress: Progress): Promise<Surroundings> {
    const kafka = await progress.step('Start a Kafka broker', () =>
      serve(VENV_PYTHON, ['-m', 'tidemark_local.kafka.broker']),
    );
    const postgres = await progress.step('Start a PostgreSQL', async () => {
      // What it says is where the driver is, and then it ends.
      await (await serve(VENV_PYTHON, ['-m', 'tidemark_local.glue.jdbc_driver'])).close();
      return serve(process.execPath, [join(ROOT, 'local', 'servers', 'postgres.mjs')]);
    });
    return new Surroundings(connection, kafka, postgres);
  }

  partnerSource(source: string): string {
    return source === 'crm'
      ? 'aws.partner/salesforce.com/00D5g000004abcDEAQ/0YLDemo'
      : `aws.partner/stripe.com/ed_${source}`;
  }

  /** Makes them, and writes down where they are: what a stage's configuration says. @returns the file */
  async addresses(folder: string): Promise<string> {
    const { clients } = this.#connection;
    await clients.kinesis.send(new CreateStreamCommand({ StreamName: this.stream, ShardCount: 1 }));
    await clients.logs.send(new CreateLogGroupCommand({ logGroupName: this.logGroup }));
    for (const source of ['billing', 'crm'])
      await clients.eventbridge.send(
        new CreatePartnerEventSourceCommand({ Name: this.partnerSource(source), Account: '000000000000' }),
      );
    await this.#python('make', []);
    const file = join(folder, 'addresses.json');
    writeFileSync(file, JSON.stringify(this.#written(await this.#makeTable(), await this.#makeDatabase()), null, 2));
    return file;
  }

  /** @returns the ARN of its stream */
  async #makeTable(): Promise<string> {
    const { dynamodb } = this.#connection.clients;
    await dynamodb.send(
      new CreateTableCommand({
        TableName: this.table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'customer', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'customer', KeyType: 'HASH' }],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      }),
    );
    const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: this.table }));
    return Table!.LatestStreamArn!;
  }

  /** With a row of another customer. @returns the ARN of its secret */
  async #makeDatabase(): Promise<string> {
    await this.#sql(
      'CREATE TABLE invoices (id int PRIMARY KEY, customer text, currency text, amount numeric(12,2), updated_at timestamp)',
    );
    const updated_at = '2026-01-01 00:00:00';
    await this.addRow('jdbc', { id: 0, customer: 'c-0', currency: 'eur', updated_at, amount: '1.00' });
    const SecretString = JSON.stringify({ username: 'postgres', password: 'none' });
    const { ARN } = await this.#connection.clients.secrets.send(
      new CreateSecretCommand({ Name: `${NAME}-database`, SecretString }),
    );
    return ARN!;
  }

  #written(streamOfTable: string, secret: string): object {
    const database = new URL(this.#postgres.said.dsn!);
    const region = this.#connection.env.AWS_REGION ?? 'us-east-1';
    return {
      billing: { bus: { eventSource: this.partnerSource('billing') } },
      crm: { bus: { eventSource: this.partnerSource('crm') } },
      service_logs: { logs: { logGroup: this.logGroup } },
      devices: { iot: { topicFilter: 'devices/+/usage' } },
      orders_db: { kinesis: { streamArn: `arn:aws:kinesis:${region}:000000000000:stream/${this.stream}` } },
      profiles: { dynamodb: { streamArn: streamOfTable } },
      marketplace: { kafka: { topic: TOPIC, brokers: [this.#bootstrap] } },
      subscriptions: {
        table: {
          schedule: SCHEDULE,
          database: NAME,
          table: 'subscriptions',
          location: `s3://${WAREHOUSE}/subscriptions/`,
        },
      },
      invoices: {
        jdbc: {
          schedule: SCHEDULE,
          url: `jdbc:postgresql://${database.host}${database.pathname}`,
          table: 'public.invoices',
          secret,
          network: {
            subnet: 'subnet-0123456789abcdef0',
            availabilityZone: `${region}a`,
            securityGroups: ['sg-0123456789abcdef0'],
          },
        },
      },
    };
  }

  /** Where what lands as files belongs. */
  bucketOf(_source: string, resources: Resources): string {
    return resources.get('landingBucket');
  }

  /** Puts a record on the broker's topic. */
  produce(record: { readonly key: string; readonly value: string }): Promise<void> {
    return this.#python('produce', [JSON.stringify(record)]);
  }

  /** Adds a row to the table of the lake, or of the database. */
  addRow(where: 'table' | 'jdbc', row: Row): Promise<void> {
    if (where === 'table') return this.#python(where, [JSON.stringify(row)]);
    const values = Object.values(row).map((value) => (typeof value === 'number' ? value : `'${value}'`));
    return this.#sql(`INSERT INTO invoices (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')})`);
  }

  async #sql(statement: string): Promise<void> {
    const { ok, problem } = await this.#postgres.ask(statement);
    if (ok !== true) throw new CliError(`PostgreSQL: ${String(problem)}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** What has a client in Python alone. */
  async #python(verb: string, args: readonly string[]): Promise<void> {
    const { env } = this.#connection;
    const script = join(ROOT, 'usecases', NAME, 'surroundings.py');
    const child = spawn(VENV_PYTHON, [script, verb, ...args], {
      env: { ...env, BOOTSTRAP: this.#bootstrap, TOPIC, WAREHOUSE },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new CliError(`${verb}: ${said.trim().split('\n').at(-1)}`);
  }
}

async function serve(command: string, args: readonly string[]): Promise<Server> {
  const child: ChildProcess = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, PYTHONPATH: join(ROOT, 'local') },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const close = async () => {
    child.stdin?.end();
    await ended;
  };
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
  const next = async () => {
    const { value } = (await lines.next()) as { readonly value?: string };
    return value ?? null;
  };
  const late = new Promise<null>((resolve) => setTimeout(resolve, READY_MS, null).unref());
  const said = await Promise.race([next(), ended.then(() => null), late]);
  if (said === null) {
    await close();
    throw new CliError(`${args.at(-1)}: found it not answering; its reason stands above.`);
  }
  const parse = (line: string) => JSON.parse(line) as Record<string, string>;
  const ask = async (line: string) => {
    child.stdin!.write(`${line}\n`);
    return parse((await next()) ?? '{"ok":false,"problem":"it has ended"}');
  };
  return { said: said.startsWith('{') ? parse(said) : {}, ask, close };
}
