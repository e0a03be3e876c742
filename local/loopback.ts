/** The server under each local AWS endpoint: loopback alone, and a failure answered in AWS's words. */
import { createServer, type IncomingMessage } from "node:http";

/** A refusal as AWS words it: the SDK turns `type` into the name of the error it throws. */
export class AwsError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.name = type;
    this.type = type;
    this.status = status;
  }
}

export interface Endpoint {
  /** `http://127.0.0.1:PORT` */
  url: string;
  stop(): Promise<void>;
}

export interface Answer {
  status?: number;
  headers: Record<string, string>;
  body: string;
}

interface Door {
  /** The answer to a request that is spoken to a loopback name. */
  answer(request: IncomingMessage): Promise<Answer>;
  /** A refusal in the endpoint's own protocol. */
  refuse(error: AwsError): Answer;
}

/** Listens on 127.0.0.1, on a free port unless one is given. What the answer throws that is no `AwsError` is an `InternalFailure`. */
export async function serveLoopback({ answer, refuse }: Door, port = 0): Promise<Endpoint> {
  const server = createServer((request, response) => {
    const answered = isLoopbackName(request) ? answer(request) : Promise.reject(NOT_LOOPBACK);
    void answered
      .catch((error: unknown) =>
        refuse(error instanceof AwsError ? error : new AwsError("InternalFailure", String(error), 500)),
      )
      .then(({ status, headers, body }) => response.writeHead(status ?? 200, headers).end(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const NOT_LOOPBACK = new AwsError("AccessDeniedException", "only loopback names are served", 403);

/** A page in a browser can reach loopback under a name of its own (DNS rebinding); the SDK always names the address. */
function isLoopbackName({ headers }: IncomingMessage): boolean {
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? "");
}

/** The whole body; more than `largest` bytes are `RequestEntityTooLargeException`. */
export async function readBody(request: IncomingMessage, largest: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largest) throw new AwsError("RequestEntityTooLargeException", "the request is too large", 413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
