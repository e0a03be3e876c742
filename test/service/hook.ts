/** A service's hook for tests: a real HTTP server that answers with the status it is told. */
import { createServer } from "node:http";

export interface Hook {
  url: string;
  /** The bodies it was called with, in order. */
  calls: Record<string, unknown>[];
  stop(): Promise<void>;
}

export async function startHook(
  answer: (body: Record<string, unknown>) => number | Promise<number>,
): Promise<Hook> {
  const calls: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
    request.on("end", () => {
      const body = JSON.parse(text || "{}") as Record<string, unknown>;
      calls.push(body);
      void Promise.resolve(answer(body)).then((status) => response.writeHead(status).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the hook has no port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    calls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
