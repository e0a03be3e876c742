/** An empty database for whoever tries Rehearsal and has none at hand, on the server that the service runs on. */
import type { DatabaseAddress } from "../core/database-url.ts";
import { quoteName } from "../core/names.ts";
import { openSession } from "../io/postgres/session.ts";

const NAME = "playground";

/** Its address; made when it is not there, and never touched when it is. */
export async function ensurePlayground(server: DatabaseAddress): Promise<DatabaseAddress> {
  const session = await openSession(server, { application: "rehearsal dev" });
  try {
    // A promotion that keeps production away has it under another name, which it gives back.
    const [known] = await session.query("select 1 from pg_database where starts_with(datname, $1)", [NAME]);
    if (known === undefined) await session.execute(`create database ${quoteName(NAME)} template template0`);
  } finally {
    await session.close();
  }
  return { ...server, database: NAME };
}
