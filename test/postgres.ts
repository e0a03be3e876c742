/** Databases for tests: on the run's servers, a fresh one per use, dropped at the end. */
import { setTimeout as pause } from "node:timers/promises";
import { inject } from "vitest";
import type { DatabaseAddress } from "../core/database-url.ts";
import { quoteName } from "../core/names.ts";
import { openSession } from "../io/postgres/session.ts";

/** The servers of this run, oldest major first. */
export const servers = inject("servers");

/** The newest server of this run. */
export function newestServer() {
  const server = servers.at(-1);
  if (server === undefined) throw new Error("no server runs: is test/servers.ts the global set-up?");
  return server;
}

/** The oldest and the newest: for what a server does alike since a version, which the ones between tell nothing more of. */
export const ends = servers.filter((server) => server === servers[0] || server === servers.at(-1));

let made = 0;

/** Makes an empty database on the server and returns its address; `sql` is run in it. */
export async function freshDatabase(server: { address: DatabaseAddress }, sql?: string, name?: string) {
  const database = name ?? `t_${process.pid}_${++made}`;
  await execute(server.address, `create database ${quoteName(database)} template template0`);
  const address = { ...server.address, database };
  if (sql) await execute(address, sql);
  return address;
}

/** Drops databases whoever is connected. */
export async function dropDatabases(...addresses: DatabaseAddress[]) {
  for (const address of addresses)
    await execute(
      { ...address, database: "postgres" },
      `drop database if exists ${quoteName(address.database)} with (force)`,
    );
}

/** Runs SQL text in a database, unqualified names meaning schema public. */
export async function execute(address: DatabaseAddress, sql: string) {
  const session = await openSession(address, { application: "test" });
  try {
    await session.execute("set search_path = public");
    return await session.execute(sql);
  } finally {
    await session.close();
  }
}

/** The rows of one query. */
export async function rows<Row extends object>(address: DatabaseAddress, sql: string, values?: unknown[]) {
  const session = await openSession(address, { application: "test" });
  try {
    return await session.query<Row>(sql, values);
  } finally {
    await session.close();
  }
}

/** Waits until nobody on the server, in whatever database, has a transaction open that is older than what was written here. */
export async function olderThanAll(address: DatabaseAddress): Promise<void> {
  const [written] = await rows<{ xid: string }>(address, "select pg_current_xact_id()::text as xid");
  const past = "select pg_snapshot_xmin(pg_current_snapshot()) > $1::xid8 as past";
  while (!(await rows<{ past: boolean }>(address, past, [written?.xid]))[0]?.past) await pause(20);
}
