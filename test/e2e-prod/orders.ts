/** Events of the use case without a model, by the command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Session } from '../../cli/commands/demo/session.ts';
import { tidemark } from './command.ts';

const CUSTOMER = 'ann';

export class Orders {
  private readonly session: Session;
  private readonly file: string;
  private readonly target: readonly string[];

  constructor(session: Session, folder: string, target: readonly string[]) {
    this.session = session;
    this.file = join(folder, 'lines.ndjson');
    this.target = target;
  }

  /** What comes before the cutover of the view is its backfill's: events have to go on until then. */
  put(id: number): Promise<string> {
    const event = {
      ...{ event_id: `l-${id}`, entity_id: CUSTOMER, event_type: 'order_line', source: 'shop', schema_version: 1 },
      event_time: new Date().toISOString(),
      properties: { product: 'tea', quantity: 3, unit_price: '2.50' },
    };
    writeFileSync(this.file, `${JSON.stringify(event)}\n`);
    return tidemark(this.session, 'put', '--file', this.file, ...this.target);
  }

  async states(TableName: string): Promise<readonly unknown[]> {
    const query = {
      TableName,
      KeyConditionExpression: 'entity_id = :customer',
      ExpressionAttributeValues: { ':customer': { S: CUSTOMER } },
    };
    return (await this.session.connection.clients.dynamodb.send(new QueryCommand(query))).Items ?? [];
  }
}
