/** One request to an MLflow server: what it may take, and what its errors become. */

/** What identifies us: headers for this request. */
export type Authorise = (request: MlflowRequest) => Promise<Readonly<Record<string, string>>>;

export interface MlflowRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  /** Content-Type and what the body is. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** MLflow did not do what it was asked. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';
  /** As MLflow calls it, such as RESOURCE_DOES_NOT_EXIST; empty where it said nothing. */
  readonly code: string;
  /** Whether the same may work a moment later. */
  readonly transient: boolean;

  constructor(message: string, { code = '', transient = false } = {}) {
    super(message);
    this.code = code;
    this.transient = transient;
  }
}

export interface Transport {
  /** Path behind `/api/2.0/`. @returns its JSON. @throws MlflowError */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, values: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** A file. @throws MlflowError */
  put(path: string, body: Uint8Array): Promise<void>;
}

export interface TransportOptions {
  /** The server's address; what is asked lies below `/api/2.0/`. */
  readonly url: URL;
  readonly authorise: Authorise;
  /** How long one answer may take (ms). */
  readonly timeoutMs: number;
  /** When all of it has to be over. */
  readonly deadline: AbortSignal;
}

/** Messages of servers can be long, and stand in a log. */
const MOST_SAID = 300;

export function transportOf({ url, authorise, timeoutMs, deadline }: TransportOptions): Transport {
  const at = (path: string) => new URL(`${url.pathname.replace(/\/$/, '')}/api/2.0/${path}`, url);
  const ask = async (request: MlflowRequest): Promise<Response> => {
    const what = `${request.method} ${request.url.pathname}`;
    const headers = { ...request.headers, ...(await authorise(request)) };
    let response: Response;
    try {
      const signal = AbortSignal.any([deadline, AbortSignal.timeout(timeoutMs)]);
      response = await fetch(request.url, { ...request, headers, redirect: 'error', signal });
    } catch (error) {
      throw new MlflowError(`MLflow did not answer ${what}: ${reasonOf(error)}.`, { transient: !deadline.aborted });
    }
    if (!response.ok) throw await refusal(what, response);
    return response;
  };
  return {
    async call(method, path, values) {
      const target = at(path);
      // Not URLSearchParams, which writes + for a blank: a signature takes %20 alone.
      if (method === 'GET') target.search = queryOf(values);
      const body = method === 'GET' ? {} : { body: JSON.stringify(values) };
      const response = await ask({ method, url: target, headers: { 'content-type': 'application/json' }, ...body });
      try {
        return await response.json();
      } catch (error) {
        throw new MlflowError(
          `MLflow answered ${method} ${target.pathname} with something that is no JSON (${reasonOf(error)}); is the address that of its server?`,
        );
      }
    },
    async put(path, body) {
      const headers = { 'content-type': 'application/octet-stream' };
      const response = await ask({ method: 'PUT', url: at(path), headers, body });
      await response.body?.cancel();
    },
  };
}

const queryOf = (values: Readonly<Record<string, unknown>>) =>
  Object.entries(values)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(`${value}`)}`)
    .join('&');

async function refusal(what: string, response: Response): Promise<MlflowError> {
  const { status } = response;
  let said: { readonly error_code?: unknown; readonly message?: unknown } = {};
  try {
    said = (await response.json()) as typeof said;
  } catch {
    // A proxy in front of it answers with a page.
  }
  const code = typeof said?.error_code === 'string' ? said.error_code : '';
  const answered = code === '' ? `${status}` : `${status} ${code}`;
  const words = typeof said?.message === 'string' ? `: ${said.message.slice(0, MOST_SAID)}` : '';
  const hint = status === 401 || status === 403 ? '; look at the secret, or at what the role may do' : '';
  return new MlflowError(`MLflow answered ${what} with ${answered}${words}${hint}.`, {
    code,
    transient: status === 429 || status >= 500,
  });
}

/** The words of fetch alone say "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, name, message } = error as {
    cause?: { code?: unknown; message?: string };
    name?: string;
    message?: string;
  };
  if (name === 'TimeoutError' || name === 'AbortError') return 'its time is over';
  return typeof cause?.code === 'string' ? cause.code : (cause?.message ?? message ?? 'unknown');
}
