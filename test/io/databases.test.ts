/** Whole databases, which change names while they are worked with. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import {
  carryDatabaseProperties,
  dropDatabaseOf,
  findDatabase,
  moveDatabase,
} from "../../io/postgres/databases.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, execute, freshDatabase, newestServer, rows } from "../postgres.ts";

let session: Session;
const made: DatabaseAddress[] = [];

beforeAll(async () => {
  session = await openSession(newestServer().address, { application: "databases test" });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(...made);
});

test("what was cloned is dropped whatever it is called by now, and not what has taken its name", async () => {
  const [clone, copy] = [
    await freshDatabase(newestServer(), "", `databases_clone_${process.pid}`),
    await freshDatabase(newestServer(), "", `databases_copy_${process.pid}`),
  ];
  made.push(clone, copy);
  const [spent, waiting] = await Promise.all(
    [clone, copy].map(({ database }) => findDatabase(session, { name: database })),
  );
  if (spent === undefined || waiting === undefined) throw new Error("they were not made");
  await moveDatabase(session, spent.oid, `${clone.database}_aside`);
  await moveDatabase(session, waiting.oid, clone.database);
  await dropDatabaseOf(session, spent.oid);
  expect(await findDatabase(session, { oid: spent.oid })).toBeUndefined();
  expect(await findDatabase(session, { name: clone.database })).toMatchObject({ oid: waiting.oid });
  await dropDatabaseOf(session, spent.oid);
});

test("rights are carried all at once: who dies amid it has turned nobody away, themselves included", async () => {
  const [from, to] = [
    await freshDatabase(newestServer(), "", `databases_from_${process.pid}`),
    await freshDatabase(newestServer(), "", `databases_to_${process.pid}`),
  ];
  made.push(from, to);
  await execute(from, `grant temporary on database ${from.database} to pg_monitor`);
  await execute(to, `grant connect on database ${to.database} to pg_monitor`);
  const rights = () =>
    rows(session.address, "select datname, datacl::text from pg_database where datname = $1", [to.database]);
  const before = await rights();
  const source = await findDatabase(session, { name: from.database });
  const dying: Session = {
    ...session,
    execute: (text) => {
      if (text.startsWith("grant")) throw new Error("died");
      return session.execute(text);
    },
  };
  await expect(carryDatabaseProperties(dying, source?.oid ?? 0, to.database)).rejects.toThrow("died");
  expect(await rights()).toEqual(before);
  await carryDatabaseProperties(session, source?.oid ?? 0, to.database);
  expect(await rights()).not.toEqual(before);
});
