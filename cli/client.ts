/** Speaks HTTP with the service: answers parsed at the door, refusals as the catalogue has them. */
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import { RehearsalError } from "../core/errors.ts";
import type { Connection } from "./connection.ts";
import { reasonOf } from "./fetch-reason.ts";
import { ServiceRefusal } from "./refusal.ts";

export interface Client {
  /** The service's address, without a slash at its end. */
  readonly url: string;
  get<S extends z.ZodType>(path: string, answer: S): Promise<z.output<S>>;
  /** The same once it is another than the one with `etag`, or undefined when it has not become another for as long as the service waits. */
  news<S extends z.ZodType>(path: string, etag: string, answer: S): Promise<News<z.output<S>> | undefined>;
  /** Sent once, unless `headers` carry an Idempotency-Key: then it is safe to send again. */
  post<S extends z.ZodType>(path: string, body: object, answer: S, headers?: Headers): Promise<z.output<S>>;
  patch<S extends z.ZodType>(path: string, body: object, answer: S): Promise<z.output<S>>;
  put<S extends z.ZodType>(path: string, body: object, answer: S): Promise<z.output<S>>;
  delete(path: string): Promise<void>;
  /** The answer's text, whatever its type; follows the way to the bucket. */
  text(path: string): Promise<string>;
  /** The bytes behind an address that the service gave. */
  download(url: string): AsyncIterable<Uint8Array>;
  /** Sends bytes to an address that the service gave. */
  upload(to: { url: string; headers: Headers }, body: Uint8Array): Promise<void>;
}

type Headers = Record<string, string>;

interface News<T> {
  etag: string;
  value: T;
}

/** How often what is safe to repeat is sent when nobody answers, and the pause before the second time. */
const TRIES = 4;
const FIRST_PAUSE = 250;

const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  hint: z.string(),
  facts: z.record(z.string(), z.unknown()).default({}),
});

/**
 * A client of the service; throws `ServiceUnreachable` when it does not answer, `ServiceRefusal` when it refuses. After
 * `signal` nothing is sent or waited for any more.
 */
export function openClient({ url, credential }: Connection, signal?: AbortSignal): Client {
  const send = async (method: string, path: string, body?: object, headers: Headers = {}) => {
    const repeatable = method !== "POST" && method !== "PATCH" ? true : "idempotency-key" in headers;
    let shown = await credential();
    const request = () => ({
      method,
      headers: {
        authorization: `Bearer ${shown}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    let renewed = false;
    for (let tries = 1; ; tries++) {
      const answer = await attempt(url + path, request());
      const passing = answer instanceof RehearsalError || answer.status === 502 || answer.status === 503;
      if (passing && repeatable && tries < TRIES) {
        await pause(FIRST_PAUSE * 2 ** (tries - 1), undefined, { ...(signal && { signal }) });
        continue;
      }
      if (answer instanceof RehearsalError) throw answer;
      if (answer.status === 401 && !renewed) {
        // Nothing was done: a token may have ended on its way, and where there is another it is shown once.
        renewed = true;
        const other = await credential(shown);
        if (other !== shown) {
          shown = other;
          continue;
        }
      }
      if (answer.status >= 400) throw refusalFrom(url, answer);
      return answer;
    }
  };
  const parsed = async <S extends z.ZodType>(schema: S, answer: Promise<Answer>): Promise<z.output<S>> => {
    const result = schema.safeParse(parseJson((await answer).text));
    if (result.success) return result.data;
    throw unreachable(url, `its answer is not understood (${z.prettifyError(result.error)})`);
  };
  return {
    url,
    get: (path, schema) => parsed(schema, send("GET", path)),
    news: async (path, etag, schema) => {
      const answer = await send("GET", `${path}?${new URLSearchParams({ etag })}`);
      if (answer.status !== 304)
        return { etag: answer.etag, value: await parsed(schema, Promise.resolve(answer)) };
      // Too many wait already; so soon is soon enough.
      if (answer.retryAfter > 0) await pause(answer.retryAfter * 1_000);
      return undefined;
    },
    post: (path, body, schema, headers) => parsed(schema, send("POST", path, body, headers)),
    patch: (path, body, schema) => parsed(schema, send("PATCH", path, body)),
    put: (path, body, schema) => parsed(schema, send("PUT", path, body)),
    delete: async (path) => void (await send("DELETE", path)),
    text: async (path) => (await send("GET", path)).text,
    download: (address) => download(address),
    upload: async (to, body) => {
      const answer = await attempt(to.url, {
        method: "PUT",
        headers: to.headers,
        body: new Uint8Array(body),
      });
      if (answer instanceof RehearsalError) throw answer;
      if (answer.status >= 300)
        throw unreachable(new URL(to.url).origin, `it answered ${answer.status} to the upload`);
    },
  };
}

/** Throws `ServiceUnreachable` when nobody answers, or the stream breaks off. */
async function* download(address: string): AsyncGenerator<Uint8Array> {
  const { origin } = new URL(address);
  try {
    const response = await fetch(address);
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw unreachable(origin, `it answered ${response.status} to the download`);
    }
    yield* response.body as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw error instanceof RehearsalError ? error : unreachable(origin, reasonOf(error));
  }
}

interface Answer {
  status: number;
  text: string;
  etag: string;
  /** Seconds. */
  retryAfter: number;
}

/** One exchange; what never reached an answer is returned, for it may be worth another try. */
async function attempt(url: string, request: RequestInit): Promise<Answer | RehearsalError> {
  try {
    const response = await fetch(url, request);
    const { status, headers } = response;
    const retryAfter = Number(headers.get("retry-after") ?? 0);
    return { status, text: await response.text(), etag: headers.get("etag") ?? "", retryAfter };
  } catch (error) {
    return unreachable(new URL(url).origin, reasonOf(error));
  }
}

/** A refusal told as problem details; anything else that is no success is not the service. */
function refusalFrom(url: string, { status, text }: Answer): Error {
  const problem = problemSchema.safeParse(parseJson(text));
  if (!problem.success) return unreachable(url, `it answered ${status} and no problem details`);
  const { code, detail, hint, facts } = problem.data;
  return new ServiceRefusal({ code, message: detail, hint, facts });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the schema behind refuses it, and tells so.
    return undefined;
  }
}

function unreachable(url: string, reason: string): RehearsalError {
  return new RehearsalError("ServiceUnreachable", { url, reason });
}
