/** An S3 endpoint on loopback over a folder: the operations the product calls, each done truly, and 501 for the rest. */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { Buckets } from "./buckets.ts";
import { S3Failure } from "./failure.ts";
import type { Reply } from "./operation.ts";
import { readRequest } from "./request.ts";
import { findOperation } from "./routes.ts";
import { type Credentials, verifySignature } from "./signature.ts";
import { checkVacant, moveIn, moveOut, newTenantId, SERVER } from "./tenancy.ts";
import { document } from "./xml.ts";

/** The one key the endpoint accepts unless another is given; it opens nothing but a folder on this machine. */
export const LOCAL_CREDENTIALS: Credentials = {
  accessKeyId: "rehearsal-local",
  secretAccessKey: "rehearsal-local-secret",
};

export interface S3Options {
  /** Made when missing; everything is derived from it at the start. A folder that another endpoint serves is refused. */
  folder: string;
  /** A free one is chosen when it is left out. */
  port?: number;
  credentials?: Credentials;
  /** False leaves out fsync, for tests: writes are whole or absent after kill -9 all the same, but not after a power cut. */
  durable?: boolean;
}

export interface S3Endpoint {
  /** `http://127.0.0.1:PORT`, to be given as AWS_ENDPOINT_URL_S3. */
  url: string;
  credentials: Credentials;
  /** Cuts every connection and resolves when nothing touches the folder any more. */
  stop(): Promise<void>;
}

/**
 * Starts the endpoint on 127.0.0.1.
 * @example
 * const s3 = await startS3({ folder: ".rehearsal/s3" });
 * process.env.AWS_ENDPOINT_URL_S3 = s3.url;
 */
export async function startS3(options: S3Options): Promise<S3Endpoint> {
  const credentials = options.credentials ?? LOCAL_CREDENTIALS;
  await checkVacant(options.folder);
  const buckets = await Buckets.open(options.folder, options.durable ?? true);
  const id = newTenantId();
  const running = new Set<Promise<void>>();
  const server = createServer((message, response) => {
    response.setHeader("server", `${SERVER}/${id}`);
    const work = serve(message, response, buckets, credentials);
    running.add(work);
    void work.finally(() => running.delete(work));
  });
  // A large object on a slow line is no reason to hang up; idle connections outlive the SDK's own patience.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the endpoint has no port");
  const url = `http://127.0.0.1:${address.port}`;
  await moveIn(options.folder, { id, url });
  return {
    url,
    credentials,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await Promise.all(running);
      await moveOut(options.folder);
    },
  };
}

/** Answers one request; never throws, for there is nobody to catch it. */
async function serve(
  message: IncomingMessage,
  response: ServerResponse,
  buckets: Buckets,
  credentials: Credentials,
): Promise<void> {
  const requestId = randomBytes(8).toString("hex").toUpperCase();
  response.setHeader("x-amz-request-id", requestId);
  response.setHeader("x-amz-id-2", randomBytes(48).toString("base64"));
  let reply: Reply;
  try {
    reply = await answer(message, buckets, credentials);
  } catch (error) {
    reply = refusal(error, message, requestId);
  }
  try {
    await send(message, response, reply);
  } catch {
    // The client went away, or the body could not be read: a cut connection is how HTTP tells of it.
    response.destroy();
  }
}

async function answer(message: IncomingMessage, buckets: Buckets, credentials: Credentials): Promise<Reply> {
  const request = readRequest(message);
  const now = Date.now();
  const { headers, region } = await verifySignature(request, credentials, now);
  const operation = findOperation(request, headers);
  return operation({
    buckets,
    bucket: request.bucket ?? "",
    key: request.key ?? "",
    query: request.query,
    headers,
    // Breaking off must not cut the connection: the refusal still has to go out on it.
    body: message.iterator({ destroyOnReturn: false }),
    region,
    now,
  });
}

function refusal(error: unknown, message: IncomingMessage, requestId: string): Reply {
  const failure =
    error instanceof S3Failure
      ? error
      : new S3Failure("InternalError", error instanceof Error ? error.message : String(error));
  const xml = document(
    "Error",
    [
      ["Code", failure.code],
      ["Message", failure.message],
      ...Object.entries(failure.facts),
      ["Resource", message.url?.split("?")[0]],
      ["RequestId", requestId],
    ],
    false,
  );
  return { status: failure.status, headers: failure.headers, ...(failure.status !== 304 && { body: xml }) };
}

async function send(message: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  // What is left of a body nobody wanted is read and forgotten, so that the client gets to its answer.
  message.resume();
  response.statusCode = reply.status ?? 200;
  for (const [name, value] of Object.entries(reply.headers ?? {}))
    if (value !== undefined) response.setHeader(name, value);
  if (typeof reply.body === "string") {
    response.setHeader("content-type", "application/xml");
    response.setHeader("content-length", Buffer.byteLength(reply.body));
    // A HEAD has no body to tell its error in; Node leaves it out.
    response.end(reply.body);
    return;
  }
  if (reply.body === undefined) {
    if (message.method !== "HEAD" && response.statusCode !== 204 && response.statusCode !== 304)
      response.setHeader("content-length", 0);
    response.end();
    return;
  }
  await pipeline(reply.body, response);
}
