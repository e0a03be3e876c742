/** COPY as a stream: what comes out goes in, and every way in which it can end early ends it, with a code. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { type CopySession, openCopySession } from "../../io/postgres/copy.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";

const MANY = "copy (select g, repeat('x', 1000) from generate_series(1, 100000) g) to stdout";

let address: DatabaseAddress;
let proxy: TcpProxy;
beforeAll(async () => {
  address = await freshDatabase(newestServer(), "create table filled (id int, word text)");
  proxy = await startTcpProxy(address);
});
afterAll(async () => {
  await proxy.stop();
  await dropDatabases(address);
});

const open = (more: object = {}, at = address) => openCopySession(at, { application: "copy test", ...more });

async function drain(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* lines(count: number, line: (place: number) => string) {
  for (let place = 0; place < count; place++) yield Buffer.from(line(place));
}

async function isUsable(session: CopySession) {
  expect((await drain(session.copyOut("copy (select 1) to stdout"))).toString()).toBe("1\n");
}

/** The server no longer runs anything for the session. */
/** Waits until the session runs a statement, or runs none any more. */
async function isActive(pid: number, active: boolean) {
  const found = "select 1 as found from pg_stat_activity where pid = $1 and state = 'active'";
  await expect.poll(() => rows(address, found, [pid]), { timeout: 10_000 }).toHaveLength(active ? 1 : 0);
}
const isGone = (pid: number) => isActive(pid, false);

test("what is copied out can be copied in, and the rows are those of the command tag", async () => {
  const session = await open();
  const source = session.copyOut("copy (select g, 'w' || g from generate_series(1, 50000) g) to stdout");
  const bytes = await drain(source);
  expect(source.rows).toBe(50_000);
  await session.execute("begin");
  const copied = await session.copyIn(
    "copy public.filled from stdin",
    lines(1, () => bytes.toString()),
  );
  expect(copied).toBe(50_000);
  const back = await drain(session.copyOut("copy public.filled to stdout"));
  expect(back.equals(bytes)).toBe(true);
  await session.execute("rollback");
  await session.close();
});

test("pieces that share memory hold until the next but one is asked for", async () => {
  const session = await open();
  const statement = "copy (select g, repeat(md5(g::text), 30) from generate_series(1, 20000) g) to stdout";
  const whole = await drain(session.copyOut(statement));
  const pieces = session.copyOut(statement, { reuse: true })[Symbol.asyncIterator]();
  const kept: Buffer[] = [];
  let last = await pieces.next();
  while (!last.done) {
    const next = await pieces.next();
    kept.push(Buffer.from(last.value));
    last = next;
  }
  expect(kept.length).toBeGreaterThan(10);
  expect(Buffer.concat(kept).equals(whole)).toBe(true);
  await session.close();
});

test("pieces that are given away are freed when they are sent, parts of something larger are left alone", async () => {
  const session = await open();
  const own = Array.from({ length: 40 }, (_, place) => {
    const piece = Buffer.allocUnsafeSlow(300_000).fill("x");
    piece.write(`${place}\t`);
    piece.write("\n", piece.length - 1);
    return piece;
  });
  const shared = Buffer.from(`99\tfirst\n100\tsecond\n`);
  const parts = [shared.subarray(0, 9), shared.subarray(9)];
  await session.execute("begin");
  async function* source() {
    yield* own;
    yield* parts;
  }
  expect(await session.copyIn("copy public.filled from stdin", source(), { consume: true })).toBe(42);
  const back = await drain(session.copyOut("copy (select * from public.filled order by id) to stdout"));
  const expected = own.map((_, place) => `${place}\t${"x".repeat(299_999 - `${place}\t`.length)}\n`);
  expect(back.toString() === `${expected.join("")}99\tfirst\n100\tsecond\n`).toBe(true);
  expect(own.map((piece) => piece.length)).toEqual(own.map(() => 0));
  expect(shared.toString()).toBe("99\tfirst\n100\tsecond\n");
  await session.execute("rollback");
  await session.close();
});

test("rows longer than a network packet and rows of no bytes come whole", async () => {
  const session = await open();
  const long = await drain(session.copyOut("copy (select repeat('é', 3000000), '') to stdout"));
  expect(long.toString()).toBe(`${"é".repeat(3_000_000)}\t\n`);
  const empty = await drain(session.copyOut("copy (select from generate_series(1, 3)) to stdout"));
  expect(empty.toString()).toBe("\n\n\n");
  await session.close();
});

test("a reader that rests makes the server rest, and memory stays small", async () => {
  const session = await open();
  const before = process.memoryUsage().rss;
  let bytes = 0;
  for await (const piece of session.copyOut(MANY)) {
    bytes += piece.length;
    await new Promise(setImmediate);
  }
  expect(bytes).toBeGreaterThan(100_000_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(80_000_000);
  await session.close();
});

test("an error of the server in the middle of a COPY is a refusal, and the session goes on", async () => {
  const session = await open();
  const failing = session.copyOut(
    "copy (select 1 / (50000 - g) from generate_series(1, 100000) g) to stdout",
  );
  await expect(drain(failing)).rejects.toMatchObject({
    code: "StatementFailed",
    facts: { sqlstate: "22012", reason: "division by zero" },
  });
  await isUsable(session);
  await session.close();
});

test("a row that the server refuses ends the COPY, names its line but not its values, and leaves nothing", async () => {
  const session = await open();
  const bad = lines(5000, (place) => (place === 1000 ? "none\tsecret\n" : `${place}\t${"y".repeat(1000)}\n`));
  await expect(session.copyIn("copy public.filled from stdin", bad)).rejects.toMatchObject({
    code: "StatementFailed",
    facts: { sqlstate: "22P02", reason: expect.stringMatching(/COPY filled, line 1001, column id\)$/) },
  });
  await expect(
    session.copyIn(
      "copy public.missing from stdin",
      lines(1, () => "1\n"),
    ),
  ).rejects.toMatchObject({ code: "StatementFailed", facts: { sqlstate: "42P01" } });
  await isUsable(session);
  await session.close();
  expect(await rows(address, "select * from public.filled")).toEqual([]);
});

test("when the source fails, its own error is thrown, nothing is left, and the session goes on", async () => {
  const session = await open();
  async function* failing() {
    yield Buffer.from("1\tone\n");
    throw new Error("the disk is gone");
  }
  await expect(session.copyIn("copy public.filled from stdin", failing())).rejects.toThrow(
    "the disk is gone",
  );
  await isUsable(session);
  await session.close();
  expect(await rows(address, "select * from public.filled")).toEqual([]);
});

test("leaving the loop early ends the statement at the server", async () => {
  const session = await open();
  for await (const _piece of session.copyOut(MANY)) break;
  await isGone(session.pid);
  await expect(session.execute("select 1")).rejects.toMatchObject({ code: "DatabaseUnreachable" });
  await session.close();
});

test("an abort ends the statement at the server, though nobody reads, and throws the reason", async () => {
  const stop = new AbortController();
  const session = await open({ signal: stop.signal });
  const waiting = session.execute("select pg_sleep(600)");
  // A request to cancel that is there before its statement cancels nothing.
  await isActive(session.pid, true);
  stop.abort(new Error("not wanted any more"));
  await expect(waiting).rejects.toThrow("not wanted any more");
  await isGone(session.pid);
  await expect(open({ signal: stop.signal })).rejects.toThrow("not wanted any more");
});

test.each(["out of", "into"])(
  "a backend terminated in the middle of a COPY %s it is a lost connection",
  async (way) => {
    const session = await open();
    const terminate = () => rows(address, "select pg_terminate_backend($1)", [session.pid]);
    async function* endless() {
      yield Buffer.from("1\tone\n");
      await terminate();
      for (;;) yield Buffer.from(`2\t${"two".repeat(1000)}\n`);
    }
    const copying = async () => {
      if (way === "into") return session.copyIn("copy public.filled from stdin", endless());
      for await (const _piece of session.copyOut(MANY)) await terminate();
    };
    await expect(copying()).rejects.toMatchObject({
      code: "DatabaseUnreachable",
      retryable: true,
      hint: expect.stringContaining("check that the server runs"),
    });
    await session.close();
  },
);

const stalled = {
  code: "CopyStalled",
  retryable: true,
  facts: { seconds: 0.5 },
  hint: expect.stringContaining("check the network between here and the server"),
};

test("fault 29: a COPY whose bytes stop coming is given up at its deadline, and the connection destroyed", async () => {
  proxy.inject({ kind: "stall", from: "server", after: 1_000_000 });
  const session = await open({ stallSeconds: 0.5 }, proxy.through(address));
  await expect(drain(session.copyOut(MANY))).rejects.toMatchObject(stalled);
  await expect(session.execute("select 1")).rejects.toMatchObject({ code: "CopyStalled" });
  proxy.heal();
  await isGone(session.pid);
});

test("fault 29: a COPY whose bytes are not taken is given up at its deadline, and nothing of it stays", async () => {
  proxy.inject({ kind: "stall", from: "client", after: 1_000_000 });
  const session = await open({ stallSeconds: 0.5 }, proxy.through(address));
  const endless = lines(100_000, (place) => `${place}\t${"z".repeat(1000)}\n`);
  await expect(session.copyIn("copy public.filled from stdin", endless)).rejects.toMatchObject(stalled);
  proxy.heal();
  await isGone(session.pid);
  expect(await rows(address, "select * from public.filled")).toEqual([]);
});

test("a source or a reader that is slow is no stall of the server's", async () => {
  const session = await open({ stallSeconds: 0.2 });
  const rest = () => once(AbortSignal.timeout(500), "abort");
  async function* slow() {
    yield Buffer.from("1\tone\n");
    await rest();
    yield Buffer.from("2\ttwo\n");
  }
  await session.execute("begin");
  expect(await session.copyIn("copy public.filled from stdin", slow())).toBe(2);
  let pieces = 0;
  for await (const _piece of session.copyOut(MANY)) if (pieces++ === 0) await rest();
  await session.execute("rollback");
  await session.close();
});

test("a connection that is cut in the middle of a COPY is a lost connection", async () => {
  proxy.inject({ kind: "cut", from: "server", after: 1_000_000 });
  const session = await open({}, proxy.through(address));
  await expect(drain(session.copyOut(MANY))).rejects.toMatchObject({ code: "DatabaseUnreachable" });
  proxy.heal();
  await session.close();
});

test("a server that cannot be reached, or refuses the password, is told with a code", async () => {
  await expect(open({}, { ...address, port: 1 })).rejects.toMatchObject({ code: "DatabaseUnreachable" });
  await expect(open({}, { ...address, password: "wrong" })).rejects.toMatchObject({
    code: "DatabaseUnreachable",
    facts: { database: address.database },
  });
});

test("a right that is missing is told as such", async () => {
  await execute(address, "create role copier login password 'p'; create table guarded (a int)");
  const session = await open({}, { ...address, user: "copier", password: "p" });
  await expect(drain(session.copyOut("copy public.guarded to stdout"))).rejects.toMatchObject({
    code: "PermissionMissing",
    facts: { role: "copier", right: "permission denied for table guarded" },
  });
  await session.close();
  await execute(address, "drop role copier");
});
