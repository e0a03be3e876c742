/** The sessions of an application's store: whatever the database and the role say, a value has the one text that stores are made of. */
import { expect, test } from "vitest";
import { openPool } from "../../../io/store/session-pool.ts";
import { dropDatabases, execute, freshDatabase, newestServer } from "../../postgres.ts";

test("money has the text that an export gives it, whatever locale the database has for it", async () => {
  const address = await freshDatabase(newestServer());
  await execute(address, `alter database "${address.database}" set lc_monetary = 'POSIX'`);
  const pool = openPool(address, "test", 1);
  try {
    expect(await pool.use((session) => session.query("show lc_monetary"))).toEqual([{ lc_monetary: "C" }]);
  } finally {
    await pool.close();
    await dropDatabases(address);
  }
});
