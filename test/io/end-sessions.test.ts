/** Sessions that are ended, of an application that does not give in. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { findDatabase } from "../../io/postgres/databases.ts";
import { endSessions, endSessionsOf } from "../../io/postgres/end-sessions.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";

let session: Session;
const made: DatabaseAddress[] = [];

beforeAll(async () => {
  session = await openSession(newestServer().address, { application: "end-sessions test" });
});

afterAll(async () => {
  await session.close();
  await dropDatabases(...made);
});

test("the sessions of a database end, and only those, while an application connects again at once", async () => {
  const address = await freshDatabase(newestServer(), "", `sessions_busy_${process.pid}`);
  made.push(address);
  const { oid } = (await findDatabase(session, { name: address.database })) ?? { oid: 0 };
  let going = true;
  const connectAgain = async () => {
    while (going) {
      const connected = await openSession(address, { application: "an application" }).catch(() => undefined);
      // Asks until its session is ended, which is an error.
      while (going && (await connected?.query("select").catch(() => undefined)) !== undefined);
      await connected?.close();
    }
  };
  const application = Array.from({ length: 12 }, connectAgain);
  try {
    for (let round = 0; round < 20; round++) {
      const before = await pidsIn(oid, 12);
      await endSessionsOf(session, oid);
      const after = await pidsIn(oid, 0);
      expect(before.filter((pid) => after.includes(pid))).toEqual([]);
    }
  } finally {
    going = false;
    await Promise.all(application);
  }
});

test("the sessions of an attempt end, and what watches for it, but not those of its tenth successor", async () => {
  const address = await freshDatabase(newestServer(), "", `sessions_named_${process.pid}`);
  made.push(address);
  const names = ["1", "1 watch", "10", "2"].map((end) => `rehearsal named ${process.pid} restore ${end}`);
  const opened = await Promise.all(names.map((application) => openSession(address, { application })));
  const left = async () => {
    const found = await session.query<{ name: string }>(
      "select application_name as name from pg_stat_activity where starts_with(application_name, $1) order by 1",
      [`rehearsal named ${process.pid} `],
    );
    return found.map(({ name }) => name);
  };
  try {
    await endSessions(session, `rehearsal named ${process.pid} restore 1`);
    expect(await left()).toEqual([names[2], names[3]]);
    await endSessions(session, `rehearsal named ${process.pid} restore `);
    expect(await left()).toEqual([]);
  } finally {
    await Promise.all(opened.map((one) => one.close()));
  }
});

/** The sessions of the database, as soon as there are so many. */
async function pidsIn(oid: number, least: number): Promise<number[]> {
  for (;;) {
    const found = await session.query<{ pid: number }>(
      "select pid from pg_stat_activity where datid = $1::oid",
      [oid],
    );
    if (found.length >= least) return found.map(({ pid }) => pid);
  }
}
