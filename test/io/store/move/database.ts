/** Databases whose tables a store keeps: a schema in SQL, a store.yaml for it, and a feed of every table. */

import type { DatabaseAddress } from "../../../../core/database-url.ts";
import { feedMigration } from "../../../../core/feed-migration.ts";
import { type SchemaMarks, schemaLock } from "../../../../core/schema-lock.ts";
import type { StoreDefinition } from "../../../../core/store/definition.ts";
import { parseStoreFile } from "../../../../core/store/store-file.ts";
import { openSession, type Session } from "../../../../io/postgres/session.ts";
import { readShape } from "../../../../io/postgres/shape.ts";
import { execute, freshDatabase, newestServer } from "../../../postgres.ts";

export const FEED = "public.changes";

export interface MovedDatabase {
  address: DatabaseAddress;
  definition: StoreDefinition;
}

/** Makes the tables, and a feed of all that the store keeps. */
export async function movedDatabase(
  sql: string,
  storeYaml: string,
  marks: SchemaMarks = {},
): Promise<MovedDatabase> {
  const address = await freshDatabase(newestServer(), sql);
  const lock = await within(address, async (session) => schemaLock(await readShape(session), marks));
  const definition = parseStoreFile(Buffer.from(storeYaml), lock);
  const tables = definition.models.map(({ schema, table }) => `"${schema}"."${table.replaceAll('"', '""')}"`);
  await execute(address, feedMigration(lock, "changes", tables).sql);
  return { address, definition };
}

export async function within<T>(
  address: DatabaseAddress,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(address, { application: "test" });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
