import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** Slack refuses larger messages too; no alert comes near it. */
const MAX_BODY_BYTES = 100_000;

/** The part of an incoming-webhook message that Slack needs; the rest is kept as it came. */
const slackMessage = z.looseObject({ text: z.string().min(1), blocks: z.array(z.unknown()).optional() });

export type SlackMessage = z.infer<typeof slackMessage>;

export interface ReceivedMessage {
  /** ms UTC. */
  readonly received_at: number;
  readonly body: SlackMessage;
}

/**
 * A Slack incoming webhook on loopback: records what is posted and answers as Slack does (200 `ok`, 400
 * `invalid_payload`, 404 `no_service`).
 */
export class SlackReceiver {
  readonly messages: ReceivedMessage[] = [];
  /** With which the presses of buttons are signed, as Slack does by the app's. */
  readonly signingSecret = randomBytes(16).toString('hex');
  readonly #server: Server;
  readonly #path: string;
  readonly #onMessage: (message: ReceivedMessage) => void;

  private constructor(onMessage: (message: ReceivedMessage) => void) {
    this.#onMessage = onMessage;
    this.#path = `/services/T0LOCAL/B0LOCAL/${randomBytes(12).toString('hex')}`;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        response.writeHead(500).end(error instanceof Error ? error.name : 'error');
      });
    });
  }

  /** Listens on a free loopback port. `onMessage` is called once for each accepted message. */
  static async start(onMessage: (message: ReceivedMessage) => void = () => {}): Promise<SlackReceiver> {
    const receiver = new SlackReceiver(onMessage);
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject);
      receiver.#server.listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  /** The webhook's URL, as it is put into the secret. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.#path}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== this.#path) return void response.writeHead(404).end('no_service');
    if (request.method !== 'POST') return void response.writeHead(405).end('method_not_allowed');
    const parsed = slackMessage.safeParse(await readJson(request));
    if (!parsed.success) return void response.writeHead(400).end('invalid_payload');
    const message = { received_at: Date.now(), body: parsed.data };
    this.messages.push(message);
    this.#onMessage(message);
    response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
  }
}

/** The body as JSON; undefined when it is too long or no JSON. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
