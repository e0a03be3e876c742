/**
 * The control database is lost, and the ledger rebuilt from the bucket: after promotions of every ending that a seed draws
 * (REHEARSAL_REBUILD_PROMOTIONS says how many, REHEARSAL_REBUILD_SEED which), each row is there again to the byte, and the service goes on.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { quoteName } from "../../core/names.ts";
import { handler as prepare } from "../../functions/events/prepare.ts";
import { copyChanges, copyKey } from "../../io/ledger/copies.ts";
import { listCopy, readCopy } from "../../io/ledger/copy-reading.ts";
import { openObjectStore } from "../../io/object-store.ts";
import { openSession } from "../../io/postgres/session.ts";
import { startS3 } from "../../local/s3/server.ts";
import { startSecretsManager } from "../../local/secrets-manager.ts";
import { runCommand } from "../cli/command.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { refusalOf } from "../refusal.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { ledgerText } from "../service/ledger-text.ts";
import { PROJECT, SCHEMA } from "../service/project.ts";
import { live, seeded } from "../service/random-promotions.ts";
import { Service } from "../service/service.ts";

const PROMOTIONS = Number(process.env.REHEARSAL_REBUILD_PROMOTIONS ?? 6);
const SEED = Number(process.env.REHEARSAL_REBUILD_SEED ?? 6);

const server = newestServer();
const made: DatabaseAddress[] = [];
const hooks: Hook[] = [];
let service: Service;
let control: DatabaseAddress;
/** A promotion that waits for its approval when the control database is lost. */
let waiting = "";

beforeAll(async () => {
  hooks.push(await startHook(() => 200), await startHook(() => 500));
  service = await new Service(server.address, "ledger-rebuild").start();
  control = { ...server.address, database: service.controlDatabase };
});

afterAll(async () => {
  await service.stop();
  for (const hook of hooks) await hook.stop();
  await dropDatabases(...made);
});

/** AWS without the service: what an operator's shell reaches when the control database is gone. */
async function aws(): Promise<{ variables: Record<string, string>; stop(): Promise<void> }> {
  const s3 = await startS3({ folder: join(service.folder, "s3"), durable: false });
  const secrets = await startSecretsManager({ folder: join(service.folder, "secrets") });
  const variables = {
    ...service.variables,
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
  };
  return {
    variables,
    stop: async () => {
      await s3.stop();
      await secrets.stop();
    },
  };
}

test("fault 1: kill -9 amid the copying of the ledger, between the object and the ledger: the promotion goes on, and the copy holds", async () => {
  made.push(await freshDatabase(server, SCHEMA, `rebuild_waits_${process.pid}`));
  await service.register("waits", made[0] ?? server.address, { decision: "approval" });
  const release = await service.release(PROJECT);
  waiting = await service.promote("waits", release);
  service.killAt("copy:stored");
  expect(await service.ended()).toBe("SIGKILL");
  expect(service.unfired()).toEqual([]);
  await service.start();
  await service.until(waiting, "waiting");
  const { exit, out } = await runCommand(["ledger", "verify", "--json"], { variables: service.variables });
  expect(JSON.parse(out)).toMatchObject({ differences: [] });
  expect(exit).toBe(0);
});

test(`the ledger is rebuilt to the byte after ${PROMOTIONS} promotions drawn from the seed ${SEED}, and what was under way goes on`, async () => {
  const began = performance.now();
  const life = await live(service, {
    promotions: PROMOTIONS,
    random: seeded(SEED),
    smoke: { yes: hooks[0]?.url ?? "", no: hooks[1]?.url ?? "" },
  });
  made.push(...life.databases);
  const lived = performance.now();
  await service.kill();

  const { variables, stop } = await aws();
  // As the next change would have brought along what is quiet: what had waited for it is compared as well.
  Object.assign(process.env, variables);
  const store = openObjectStore({ bucket: variables.REHEARSAL_BUCKET ?? "" });
  const session = await openSession(control, { application: "test" });
  await session.execute("update ledger.changes set kind = 'change'");
  await copyChanges(session, store);
  await session.close();
  const before = await ledgerText(control);

  // It refuses to write over what is there, and says so before it has done anything.
  const full = await runCommand(["ledger", "rebuild", "--json"], { variables });
  expect(full.exit).toBe(6);
  expect(JSON.parse(full.out).error).toMatchObject({
    code: "ControlDatabaseNotEmpty",
    hint: expect.stringContaining("make an empty database"),
  });
  expect((await ledgerText(control)).rows).toEqual(before.rows);

  // The control database is lost.
  await dropDatabases(control);
  await execute(server.address, `create database ${quoteName(control.database)} template template0`);
  // Whoever deploys meanwhile is stopped before a second ledger begins; the tables are made, and nobody is in them.
  Object.assign(process.env, { REHEARSAL_FIRST_KEY_SECRET: "rehearsal/first-key" });
  const deployed = await refusalOf(async () => prepare({ migrations: await files(), firstPerson: "admin" }));
  expect(deployed).toMatchObject({
    code: "LedgerForgotten",
    hint: expect.stringContaining("rebuild it from the bucket"),
  });
  const people = "select name from ledger.people";
  expect(await rows(control, people)).toEqual([]);
  const numbers = await listCopy(store);
  const dry = await runCommand(["ledger", "rebuild", "--dry-run"], { variables });
  expect(dry).toMatchObject({ exit: 0, out: expect.stringContaining("nothing was rebuilt") });
  expect(await rows(control, people)).toEqual([]);
  const rebuilding = performance.now();
  const done = await runCommand(["ledger", "rebuild", "--json"], { variables });
  const rebuilt = performance.now();
  expect(done).toMatchObject({ exit: 0, err: expect.stringContaining(`of ${numbers.length}\n`) });
  const result = JSON.parse(done.out);
  expect(result).toMatchObject({ to: numbers.at(-1), interrupted: expect.arrayContaining([waiting]) });

  const after = await ledgerText(control, before);
  expect(Object.keys(after.rows)).toEqual(Object.keys(before.rows));
  for (const [table, text] of Object.entries(before.rows)) expect(after.rows[table], table).toBe(text);
  for (const [name, last] of Object.entries(before.sequences))
    expect(Number(after.sequences[name]), name).toBeGreaterThan(Number(last));
  // Nothing secret is in it: neither a key, nor the password of a database.
  const told: string[] = [];
  for await (const part of readCopy(store, { from: 1, to: numbers.length })) told.push(JSON.stringify(part));
  const { password } = server.address;
  for (const secret of [...Object.values(service.keys), ...(password ? [`:${password}@`] : [])])
    expect(told.filter((text) => text.includes(secret))).toEqual([]);
  const counted = Object.values(result.rows as Record<string, number>).reduce((sum, n) => sum + n, 0);
  console.log(
    [
      `${PROMOTIONS} random promotions (seed ${SEED}) in ${seconds(lived - began)}: ${endings(life.endings)}`,
      `rebuilt in ${seconds(rebuilt - rebuilding)}: ${counted} rows of ${Object.keys(result.rows).length} tables from ${numbers.length} objects, ${before.events} events; every row equal as bytes`,
    ].join("\n"),
  );
  store.close();
  await stop();

  // The keys of before still open it, what waited is approved, and goes its whole way.
  await service.start();
  expect(await service.show(waiting)).toMatchObject({ status: "waiting" });
  await service.must("POST", `/promotions/${waiting}/approve`, {}, service.keys.reviewer);
  const ended = await service.until(waiting, "promoted");
  expect(ended.steps.filter(({ attempt }) => attempt > 1_000).map(({ step }) => step)).toEqual(
    expect.arrayContaining(["migrate", "verify", "open"]),
  );
  const { broken, events } = await service.must<{ broken?: object; events: number }>("GET", "/log/verify");
  expect(broken).toBeUndefined();
  expect(events).toBeGreaterThan(before.events);
  // As in AWS, where only a function reaches the control database.
  const asked = { variables: service.variables };
  const verified = await runCommand(["ledger", "verify", "--function", "rebuild"], asked);
  expect(verified).toMatchObject({ exit: 0, out: expect.stringContaining("each as it is in the copy") });
  const refused = await runCommand(["ledger", "rebuild", "--function", "rebuild"], asked);
  expect(refused).toMatchObject({
    exit: 6,
    err: expect.stringMatching(/is not empty: ledger\.\w+ has \d+ rows\n.*make an empty database/s),
  });
  const [copied] = await rows<{ number: number }>(control, "select number::int from ledger.copies");
  expect(copied?.number).toBeGreaterThan(numbers.length);
  expect(copyKey(copied?.number ?? 0)).toMatch(/^ledger\//);
}, 1_800_000);

async function files(): Promise<{ path: string; text: string }[]> {
  const folder = new URL("../../migrations/", import.meta.url);
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => ({
      path: `migrations/${name}`,
      text: await readFile(new URL(name, folder), "utf8"),
    })),
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function endings(counts: Record<string, number>): string {
  return Object.entries(counts)
    .sort()
    .map(([ending, n]) => `${n} ${ending}`)
    .join(", ");
}
