/** Sends one sample as its provider would: signed, packed and addressed as the way asks for. */
import { createHmac } from 'node:crypto';
import { CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PutPartnerEventsCommand } from '@aws-sdk/client-eventbridge';
import { PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { PutRecordCommand } from '@aws-sdk/client-kinesis';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { SourceSample } from '../../../../core/definition/define.ts';
import type { SourceIR } from '../../../../core/ir/document.ts';
import { CARRIAGE_OPTIONS } from '../../../../core/ir/source-options.ts';
import { sourcePath } from '../../../../names/sources.ts';
import { CliError } from '../../../errors.ts';
import { apiAddress } from '../../../stage/api-address.ts';
import type { Clients } from '../../../stage/connection.ts';
import type { Resources } from '../../../stage/resources.ts';
import type { Surroundings } from './surroundings.ts';

/** Of every source that signs: known to both sides of this demo alone, which end with it. */
export const KEY = 'demo-key';

interface Around {
  readonly clients: Clients;
  readonly resources: Resources;
  readonly surroundings: Surroundings;
  readonly sources: readonly SourceIR[];
  /** Which says where the cloud is. */
  readonly env: NodeJS.ProcessEnv;
  /** ms UTC. */
  readonly now: number;
}

/** @throws CliError when who is sent to does not take it */
export async function send(sample: SourceSample, around: Around): Promise<void> {
  const { clients, resources, surroundings, now } = around;
  const { source, via, body } = sample;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const Data = Buffer.from(text);
  switch (via) {
    case 'http':
      return request(sample, text, around);
    case 'bus': {
      const Source = surroundings.partnerSource(source);
      const entry = { Source, DetailType: sample.kind, Detail: text, Time: new Date(now), Resources: [] };
      const { Entries = [] } = await clients.eventbridge.send(new PutPartnerEventsCommand({ Entries: [entry] }));
      if (Entries[0]?.ErrorCode) throw new CliError(`${source}: EventBridge answered ${Entries[0].ErrorCode}`);
      return;
    }
    case 'kinesis':
      await clients.kinesis.send(
        new PutRecordCommand({ StreamName: surroundings.stream, PartitionKey: 'public.orders', Data }),
      );
      return;
    case 'stream': {
      const { entity_id } = body as { readonly entity_id: string };
      await clients.kinesis.send(
        new PutRecordCommand({ StreamName: resources.get('stream'), PartitionKey: entity_id, Data }),
      );
      return;
    }
    case 'dynamodb':
      await clients.dynamodb.send(new PutItemCommand({ TableName: surroundings.table, Item: marshall(body) }));
      return;
    case 'logs': {
      const group = { logGroupName: surroundings.logGroup, logStreamName: 'app' };
      await clients.logs.send(new CreateLogStreamCommand(group));
      await clients.logs.send(new PutLogEventsCommand({ ...group, logEvents: [{ timestamp: now, message: text }] }));
      return;
    }
    case 'iot':
      await surroundings.iot.send(new PublishCommand({ topic: 'devices/17/usage', payload: Data }));
      return;
    case 'files': {
      const Key = `landing/${source}/E2EXAMPLE.${new Date(now).toISOString().slice(0, 13)}.log`;
      await clients.s3.send(
        new PutObjectCommand({ Bucket: surroundings.bucketOf(source, resources), Key, Body: Data }),
      );
      return;
    }
    case 'kafka':
      return surroundings.produce({ key: JSON.stringify(sample.key), value: text });
    case 'table':
      return surroundings.addRow('table', body as Readonly<Record<string, string | number>>);
    case 'jdbc':
      return surroundings.addRow('jdbc', body as Readonly<Record<string, string | number>>);
  }
}

async function request(
  { source, kind }: SourceSample,
  text: string,
  { resources, sources, env, now }: Around,
): Promise<void> {
  const way = sources.find(({ name }) => name === source)?.via.find((one) => one.kind === 'http');
  const { verify } = CARRIAGE_OPTIONS.http.parse(way?.options);
  const [t, isXml] = [String(Math.floor(now / 1000)), text.startsWith('<')];
  const mac = (encoding: 'hex' | 'base64', ...parts: string[]) =>
    createHmac('sha256', KEY).update(parts.join('.')).digest(encoding);
  const headers: Record<string, string> = {
    ...(verify.scheme === 'stripe' && { 'stripe-signature': `t=${t},v1=${mac('hex', t, text)}` }),
    ...(verify.scheme === 'x' && { 'x-twitter-webhooks-signature': `sha256=${mac('base64', text)}` }),
    ...(verify.scheme === 'hmac' && { [verify.signature]: mac('hex', t, text), [verify.timestamp]: t }),
    ...(verify.scheme === 'key' && { authorization: `Bearer ${KEY}` }),
  };
  const address = `${apiAddress(resources.get('intakeUrl'), env)}${sourcePath(source)}`;
  const answer = await fetch(verify.scheme === 'path' ? `${address}/${KEY}` : address, {
    method: 'POST',
    body: text,
    headers: { ...headers, 'content-type': isXml ? 'text/xml' : 'application/json' },
  });
  if (!answer.ok)
    throw new CliError(`${source}: the front door answered ${answer.status} to ${kind}: ${await answer.text()}`);
}
