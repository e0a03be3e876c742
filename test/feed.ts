/** Change feeds for tests: made of what stands in the database, as `rehearsal feed add` makes them of a lock. */
import type { DatabaseAddress } from "../core/database-url.ts";
import { feedMigration } from "../core/feed-migration.ts";
import { schemaLock } from "../core/schema-lock.ts";
import { openSession } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";

/** Makes the feed `public.changes` follow these tables. */
export async function follow(address: DatabaseAddress, tables: readonly string[]): Promise<void> {
  const session = await openSession(address, { application: "feed" });
  try {
    await session.execute(feedMigration(schemaLock(await readShape(session)), "changes", tables).sql);
  } finally {
    await session.close();
  }
}
