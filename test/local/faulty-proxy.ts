/** An HTTP proxy on loopback that misbehaves on demand: the faults are here, so that the endpoint itself has none. */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

export type Fault =
  /** Answers without asking the server behind: `503 SlowDown` and its like, as S3 writes them. */
  | { kind: "status"; status: number; code: string }
  /** Resets the connection before the request reaches the server. */
  | { kind: "reset" }
  /** The server does its work, and the connection is reset instead of the answer. */
  | { kind: "lost-reply" }
  /** Passes this many bytes of the answer's body, then resets. */
  | { kind: "truncate"; after: number }
  /** Flips one bit of the answer's body at this byte; lengths stay right. */
  | { kind: "corrupt"; at: number };

export interface FaultyProxy {
  url: string;
  /** Every request that came, faulted or not: `GET /bucket/key?query`. */
  seen: string[];
  /** The next `times` requests that match get the fault. */
  inject(fault: Fault, matching?: { method?: string; path?: RegExp; times?: number }): void;
  /** True when every injected fault has happened. */
  spent(): boolean;
  stop(): Promise<void>;
}

interface Order {
  fault: Fault;
  method: string | undefined;
  path: RegExp | undefined;
  left: number;
}

/**
 * Starts the proxy before the server at `target`, which may be known only when the first request comes. Signatures hold,
 * since the Host header is passed as it came.
 */
export async function startFaultyProxy(target: string | (() => string)): Promise<FaultyProxy> {
  const orders: Order[] = [];
  const seen: string[] = [];
  const server = createServer((message, response) => {
    const { method = "GET", url = "/" } = message;
    seen.push(`${method} ${url}`);
    const order = orders.find(
      ({ left, method: wanted, path }) =>
        left > 0 && (wanted ?? method) === method && (path === undefined || path.test(url)),
    );
    if (order !== undefined) order.left--;
    const behind = typeof target === "string" ? target : target();
    // Resets are what this proxy is for; whoever waits on the other side tells of them.
    pass(behind, message, response, order?.fault).catch(() => message.socket.resetAndDestroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    inject: (fault, { method, path, times = 1 } = {}) => {
      orders.push({ fault, method, path, left: times });
    },
    spent: () => orders.every(({ left }) => left === 0),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function pass(
  target: string,
  message: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
) {
  if (fault?.kind === "reset") {
    message.socket.resetAndDestroy();
    return;
  }
  if (fault?.kind === "status") {
    message.resume();
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${fault.code}</Code><Message>injected</Message></Error>`;
    response.writeHead(fault.status, { "content-type": "application/xml", "content-length": body.length });
    response.end(body);
    return;
  }
  const answer = await forward(target, message);
  if (fault?.kind === "lost-reply") {
    for await (const _ of answer);
    message.socket.resetAndDestroy();
    return;
  }
  response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
  await pipeline(answer, (body) => spoil(body, fault), response);
}

function forward(target: string, message: IncomingMessage): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(target);
    const onward = request(
      { hostname, port, method: message.method, path: message.url, headers: message.headers, agent: false },
      resolve,
    );
    onward.on("error", reject);
    message.on("close", () => {
      // A client that goes away in the middle of its body takes the request behind with it.
      if (!message.complete) onward.destroy();
    });
    message.pipe(onward);
  });
}

async function* spoil(body: AsyncIterable<Buffer>, fault: Fault | undefined): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const piece of body) {
    if (fault?.kind === "truncate" && position + piece.length >= fault.after) {
      yield piece.subarray(0, fault.after - position);
      throw new Error("truncated on demand");
    }
    const at = fault?.kind === "corrupt" ? fault.at - position : -1;
    if (at >= 0 && at < piece.length) piece.writeUInt8(piece.readUInt8(at) ^ 1, at);
    position += piece.length;
    yield piece;
  }
}
