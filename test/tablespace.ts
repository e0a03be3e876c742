/** Tablespaces for tests: in-place, so that no folder has to be found that the server may write to. */
import type { DatabaseAddress } from "../core/database-url.ts";
import { quoteName } from "../core/names.ts";
import { openSession } from "../io/postgres/session.ts";

export async function makeTablespace(address: DatabaseAddress, name: string): Promise<void> {
  const session = await openSession(address, { application: "test" });
  await session.execute("set allow_in_place_tablespaces = on");
  await session.execute(`create tablespace ${quoteName(name)} location ''`);
  await session.close();
}
