/**
 * The service's API for programs in TypeScript: paths, parameters, bodies and answers are typed by the very routes that
 * answer, so what the service would refuse for its shape does not compile.
 */
import { type ClientResponse, DetailedError, hc, parseResponse } from "hono/client";
import type { SuccessStatusCode } from "hono/utils/http-status";
import type { Api } from "../functions/api/app.ts";

export interface ClientOptions {
  /** The service's address. */
  url: string;
  /** A key, or a token of an issuer that the service knows. */
  key: string;
  /** In place of the global `fetch`: for a proxy, or for time-outs. */
  fetch?: typeof globalThis.fetch;
}

/**
 * A client: one property for each part of a path, and `$get`, `$post` … at its end.
 *
 * @example
 * const client = createClient({ url, key });
 * const { promotions, next } = await told(client.promotions.$get({ query: { environment: "app" } }));
 * const started = await told(client.promotions.$post({ header: {}, json: { environment: "app", release } }));
 */
export function createClient({ url, key, fetch }: ClientOptions) {
  return hc<Api>(url, {
    headers: { authorization: `Bearer ${key}` },
    ...(fetch !== undefined && { fetch }),
  });
}

export type Client = ReturnType<typeof createClient>;

/** What the service refused, in the words of its catalogue; `cause` is the whole of what it answered. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  /** Of the catalogue; `docs/errors.md` has them all. */
  readonly code: string;
  /** The mend. */
  readonly hint: string;
  readonly facts: Record<string, unknown>;

  constructor(
    status: number,
    problem: Partial<Record<"code" | "detail" | "hint", string>> & { facts?: object },
  ) {
    super(problem.detail ?? `it answered ${status}`, { cause: problem });
    this.status = status;
    this.code = problem.code ?? "Internal";
    this.hint = problem.hint ?? "look at what is between here and the service";
    this.facts = { ...problem.facts };
  }
}

/** What an answer holds when it is no refusal: of its members those whose every status is a success. */
type Told<T> =
  T extends ClientResponse<infer Body, infer Status, string>
    ? [Status] extends [SuccessStatusCode]
      ? Body
      : never
    : never;

/** The body of an answer, parsed; throws `Refusal` for a refusal, and what `fetch` throws when nobody answers. */
export async function told<T extends ClientResponse<unknown>>(answer: T | Promise<T>): Promise<Told<T>> {
  try {
    return (await parseResponse(answer)) as Told<T>;
  } catch (error) {
    if (!(error instanceof DetailedError)) throw error;
    const problem = (error.detail as { data?: object } | undefined)?.data;
    throw new Refusal(error.statusCode ?? 0, problem ?? {});
  }
}
