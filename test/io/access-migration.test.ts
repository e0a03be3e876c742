/** A ledger from before there were roles: whoever had a key keeps what they could do, as a person with a role. */
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { actorOfKey } from "../../functions/identity/keys.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";

const KEY = "rk_from-before-there-were-roles";

let address: DatabaseAddress;
let ledger: Session;

async function migrations(which: (name: string) => boolean): Promise<string> {
  const folder = new URL("../../migrations/", import.meta.url);
  const names = (await readdir(folder)).sort().filter(which);
  return (await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")))).join("\n");
}

beforeAll(async () => {
  address = await freshDatabase(newestServer(), await migrations((name) => name < "0005"));
  ledger = await openSession(address, { application: "test" });
});

afterAll(async () => {
  await ledger.close();
  await dropDatabases(address);
});

test("an old key still opens, as an admin of everything, under an id by which it can be revoked", async () => {
  const hash = sha256(KEY);
  await ledger.query("insert into ledger.keys (hash, person) values ($1, 'operator')", [hash]);
  await ledger.execute(await migrations((name) => name >= "0005"));
  expect(await actorOfKey(ledger, KEY)).toEqual({
    person: "operator",
    credential: { kind: "key", id: hash.slice(0, 12) },
    grants: [{ environment: "*", role: "admin" }],
  });
});
