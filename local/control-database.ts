/** The control database of the local stack: made, migrated, and with two people in it, so that four eyes can be tried. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DatabaseAddress, databaseUrl } from "../core/database-url.ts";
import { quoteName } from "../core/names.ts";
import { migrateControl } from "../functions/control.ts";
import { newKey } from "../functions/identity/keys.ts";
import { insertKey } from "../io/ledger/keys.ts";
import { insertPerson, replaceGrants } from "../io/ledger/people.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { openSecrets } from "../io/secrets.ts";

/** Two people's keys. */
export interface LocalKeys {
  operator: string;
  reviewer: string;
}

/** Makes the control database and its schema, and the keys of two people; safe on what an earlier run left. */
export async function prepareControl(
  server: DatabaseAddress,
  name: string,
  folder: string,
): Promise<LocalKeys> {
  const control = { ...server, database: name };
  const maintenance = await openSession(server, { application: "rehearsal stack" });
  try {
    const [known] = await maintenance.query("select 1 from pg_database where datname = $1", [name]);
    if (known === undefined)
      await maintenance.execute(`create database ${quoteName(name)} template template0`);
  } finally {
    await maintenance.close();
  }
  await openSecrets().writeSecret("rehearsal/control-database", databaseUrl(control));
  const session = await openSession(control, { application: "rehearsal stack" });
  try {
    await migrateControl(session, await controlMigrations());
    const keys = await readKeys(folder);
    await keepPeople(session, keys);
    return keys;
  } finally {
    await session.close();
  }
}

/** Two people who may do everything, so that four eyes can be tried; what was made of them since stays. */
async function keepPeople(session: Session, keys: LocalKeys): Promise<void> {
  for (const [person, key] of Object.entries(keys)) {
    if (await insertPerson(session, person, "stack"))
      await replaceGrants(session, person, [{ environment: "*", role: "admin" }]);
    const id = key.split("_")[1] ?? "";
    await insertKey(session, {
      ...{ id, key, person, label: "of the local stack", scope: null },
      ...{ expiresAt: null, createdBy: "stack", createdWith: null },
    });
  }
}

async function controlMigrations(): Promise<{ path: string; bytes: Uint8Array }[]> {
  const folder = fileURLToPath(new URL("../migrations/", import.meta.url));
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => ({ path: `migrations/${name}`, bytes: await readFile(join(folder, name)) })),
  );
}

/** The same keys as last time, so that a connection file stays good over restarts. */
async function readKeys(folder: string): Promise<LocalKeys> {
  const file = join(folder, "keys.json");
  try {
    return JSON.parse(await readFile(file, "utf8")) as LocalKeys;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const keys = { operator: newKey().key, reviewer: newKey().key };
    await writeFile(file, JSON.stringify(keys), { mode: 0o600 });
    return keys;
  }
}
