import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { PageData } from './data.ts';

/** Several open tabs ask the cloud once. */
const CACHE_MS = 1_500;
const MINUTE_MS = 60_000;
const RANGES_MIN = [5, 15, 60, 180, 720, 1440];

const SECURITY_HEADERS = {
  // Scripts and styles only from here, nothing inline; charts are drawn on a canvas, so none is needed.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export interface Page {
  readonly url: string;
  close(): Promise<void>;
}

/** The browser's code with the charts from node_modules in one script; no content network is asked at run time. */
async function bundle(): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('client/app.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  return result.outputFiles[0]?.text ?? '';
}

/**
 * Serves the page on loopback only. Requests that name another host (DNS rebinding) are refused.
 * @param port 0 takes a free one
 */
export async function startPage(data: PageData, port = 0): Promise<Page> {
  const files = new Map<string, { type: string; body: string }>([
    ['/', { type: 'text/html; charset=utf-8', body: await readFile(new URL('page.html', import.meta.url), 'utf8') }],
    [
      '/page.css',
      { type: 'text/css; charset=utf-8', body: await readFile(new URL('page.css', import.meta.url), 'utf8') },
    ],
    ['/app.js', { type: 'text/javascript; charset=utf-8', body: await bundle() }],
  ]);
  const cached = memory(data);
  const server = createServer((request, response) => {
    handle(request, response, files, cached, () => (server.address() as AddressInfo).port).catch((error: unknown) => {
      response.writeHead(502, { ...SECURITY_HEADERS, 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }),
      );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Reader = (path: string, minutes: number) => Promise<unknown> | undefined;

function memory(data: PageData): Reader {
  const known = new Map<string, { at: number; answer: Promise<unknown> }>();
  const read: Reader = (path, minutes) => {
    if (path === '/api/dashboard') return data.dashboard(Date.now() - minutes * MINUTE_MS, Date.now());
    if (path === '/api/scores') return data.scores();
    if (path === '/api/pipeline') return data.pipeline();
    return undefined;
  };
  return (path, minutes) => {
    const key = `${path}?${minutes}`;
    const before = known.get(key);
    if (before && Date.now() - before.at < CACHE_MS) return before.answer;
    const answer = read(path, minutes);
    if (answer) known.set(key, { at: Date.now(), answer });
    return answer;
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  files: ReadonlyMap<string, { type: string; body: string }>,
  read: Reader,
  port: () => number,
): Promise<void> {
  const send = (status: number, type: string, body: string) => {
    response
      .writeHead(status, { ...SECURITY_HEADERS, 'content-type': type })
      .end(request.method === 'HEAD' ? '' : body);
  };
  const hosts = [`127.0.0.1:${port()}`, `localhost:${port()}`];
  if (!hosts.includes(request.headers.host ?? ''))
    return send(421, 'text/plain', 'This page answers on loopback only.');
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(405, 'text/plain', 'Only GET is allowed.');
  const url = new URL(request.url ?? '/', `http://${hosts[0]}`);
  const file = files.get(url.pathname);
  if (file) return send(200, file.type, file.body);
  const asked = Number(url.searchParams.get('minutes') ?? '15');
  const minutes = RANGES_MIN.includes(asked) ? asked : 15;
  const answer = read(url.pathname, minutes);
  if (!answer) return send(404, 'text/plain', 'There is no such page.');
  send(200, 'application/json; charset=utf-8', JSON.stringify(await answer));
}
