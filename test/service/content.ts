/** Everything a database is and holds, as one value: the oracle that says whether production was touched. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { fingerprint } from "../../core/shape.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";

export async function contentOf(address: DatabaseAddress) {
  const session = await openSession(address, { application: "oracle" });
  try {
    return { fingerprint: fingerprint(await readShape(session)), baseline: await readBaseline(session) };
  } finally {
    await session.close();
  }
}
