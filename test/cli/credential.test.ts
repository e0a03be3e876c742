import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { openClient } from "../../cli/client.ts";
import { findConnection } from "../../cli/connection.ts";
import { refusalOf } from "../refusal.ts";

/** A token of which only its end can be read. */
const token = (seconds: number, name: string) =>
  ["", { exp: Math.floor(Date.now() / 1_000) + seconds }, name]
    .map((part) =>
      typeof part === "string" ? part : Buffer.from(JSON.stringify(part)).toString("base64url"),
    )
    .join(".");

const shown: string[] = [];
const asked: string[] = [];
const status = 200;
let made: string[] = [];
let url = "";
let folder = "";

/** A service that refuses what it is told to, and beside it what makes out a job's tokens. */
const server = createServer((request, response) => {
  const path = request.url ?? "";
  if (path.startsWith("/token")) {
    asked.push(`${path} ${request.headers.authorization}`);
    const value = made.shift();
    response.writeHead(value === undefined ? 500 : 200).end(JSON.stringify({ value }));
    return;
  }
  shown.push(request.headers.authorization?.replace("Bearer ", "") ?? "");
  const refused = shown.at(-1)?.endsWith("stale") === true;
  response.writeHead(refused ? 401 : status, { "content-type": "application/json" });
  response.end(JSON.stringify({ code: "Unauthorized", detail: "refused", hint: "show another" }));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), "rehearsal-credential-"));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const job = () => ({
  REHEARSAL_URL: `${url}/`,
  ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2.0`,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-job",
});

async function call(variables: Record<string, string>, times: number) {
  shown.length = 0;
  asked.length = 0;
  const client = openClient(await findConnection(folder, variables));
  for (let time = 0; time < times; time++) await client.post("/things", {}, z.looseObject({}));
}

test("a job's token is made out for the service, shown until shortly before its end, and then another is asked for", async () => {
  made = [token(300, "first")];
  await call(job(), 3);
  expect(asked).toEqual([`/token?api-version=2.0&audience=${encodeURIComponent(url)} Bearer of-the-job`]);
  expect(new Set(shown).size).toBe(1);
  made = [token(20, "short"), token(20, "short again"), token(300, "long")];
  await call(job(), 4);
  expect(shown.map((one) => one.split(".")[2])).toEqual(["short", "short again", "long", "long"]);
});

test("a token that is refused is replaced once, and the same request sent with the other", async () => {
  made = [token(300, "new")];
  await call({ ...job(), REHEARSAL_TOKEN: token(300, "stale"), REHEARSAL_AUDIENCE: "rehearsal" }, 2);
  expect(asked).toEqual(["/token?api-version=2.0&audience=rehearsal Bearer of-the-job"]);
  expect(shown.map((one) => one.split(".")[2])).toEqual(["stale", "new", "new"]);
  made = [token(300, "stale")];
  await expect(call({ ...job(), REHEARSAL_TOKEN: token(300, "stale") }, 1)).rejects.toMatchObject({
    name: "Unauthorized",
  });
  // The same one again is no other.
  expect(shown).toHaveLength(1);
});

test("a key comes before tokens, a token that was given needs no job, and without either it is told what is missing", async () => {
  await call({ ...job(), REHEARSAL_KEY: "rk_mine" }, 1);
  await call({ REHEARSAL_URL: url, REHEARSAL_TOKEN: " given\n" }, 1);
  expect(shown).toEqual(["given"]);
  expect(asked).toEqual([]);
  expect(await refusalOf(() => findConnection(folder, { REHEARSAL_URL: url }))).toMatchObject({
    code: "ConnectionMissing",
    hint: expect.stringContaining("id-token: write"),
  });
  made = [];
  expect(await refusalOf(() => call(job(), 1))).toMatchObject({
    code: "TokenNotGiven",
    hint: expect.stringContaining("forks are given none"),
  });
});
