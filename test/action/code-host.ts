/** Stands for a code host's API: comments in pages, limits that are run into, and the tokens that jobs are given. */
import { createServer, type IncomingMessage } from "node:http";

export interface Comment {
  id: number;
  body: string;
  user: { login: string; type: string; id: number };
}

export type CodeHost = Awaited<ReturnType<typeof startCodeHost>>;

const BOT = { login: "github-actions[bot]", type: "Bot", id: 41898282 };

/** `tokenFor` makes out the token that a job asks for. */
export async function startCodeHost(tokenFor: (audience: string) => Promise<string>) {
  const comments: Comment[] = [];
  const asked: string[] = [];
  /** Answers in place of the next requests, oldest first. */
  const instead: { status: number; headers: Record<string, string>; body: object }[] = [];
  let last = 1_000;

  const answer = async (request: IncomingMessage) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://host");
    asked.push(
      `${request.method} ${pathname}${pathname.endsWith("/token") ? "" : searchParams.size ? `?page=${searchParams.get("page")}` : ""}`,
    );
    if (pathname === "/token") {
      if (request.headers.authorization !== "Bearer of-the-job") return { status: 401, body: {} };
      return { status: 200, body: { value: await tokenFor(searchParams.get("audience") ?? "") } };
    }
    const limited = instead.shift();
    if (limited !== undefined) return limited;
    if (pathname.endsWith("/user")) return { status: 200, body: { id: BOT.id } };
    const allowed =
      request.headers.authorization === "Bearer of-github" ||
      request.headers["private-token"] === "of-gitlab";
    if (!allowed) return { status: 403, body: { message: "Resource not accessible by integration" } };
    if (request.method === "GET") {
      const [size, page] = [
        Number(searchParams.get("per_page") ?? 30),
        Number(searchParams.get("page") ?? 1),
      ];
      const shown = comments.slice((page - 1) * size, page * size);
      return { status: 200, body: shown.map((one) => ({ ...one, author: one.user, system: false })) };
    }
    const { body } = JSON.parse(await textOf(request)) as { body: string };
    // As GitHub counts, and says.
    if (body.length > 65_536)
      return {
        status: 422,
        body: { message: "Validation Failed: body is too long (maximum is 65536 characters)" },
      };
    if (request.method === "POST") {
      comments.push({ id: ++last, body, user: BOT });
      return { status: 201, body: comments.at(-1) ?? {} };
    }
    const found = comments.find(({ id }) => id === Number(pathname.split("/").at(-1)));
    if (found === undefined) return { status: 404, body: { message: "Not Found" } };
    found.body = body;
    return { status: 200, body: found };
  };

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body, ...more }) => {
        const headers = "headers" in more ? more.headers : {};
        response
          .writeHead(status, { "content-type": "application/json", ...headers })
          .end(JSON.stringify(body));
      },
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    comments,
    asked,
    instead,
    /** Somebody else's comment. */
    comment: (body: string, user: Partial<Comment["user"]> = {}) =>
      comments.push({ id: ++last, body, user: { login: "video-writer", type: "User", id: 9001, ...user } }),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}
