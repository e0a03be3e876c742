/** An HTTP server that is sent notices: it keeps every request, and answers each path as the test says. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** 200 where nothing is said. */
type Answering = (response: ServerResponse) => void;

export async function startReceiver() {
  const received: Received[] = [];
  const answers = new Map<string, Answering[]>();
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      const answer = answers.get(path)?.shift() ?? status(200);
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** What came to the path. */
    at: (path: string) => received.filter((one) => one.path === path),
    /** The next requests to the path are answered so, one after the other. */
    answer: (path: string, ...next: Answering[]) => answers.set(path, next),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function status(code: number, headers: Record<string, string> = {}): Answering {
  return (response) => response.writeHead(code, headers).end();
}
