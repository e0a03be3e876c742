/** A database that migrations are applied to: with the record in it, and a session on it. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { installIdentity } from "../../io/postgres/target-schema.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";

export interface Target {
  address: DatabaseAddress;
  session: Session;
  end(): Promise<void>;
}

export async function openTarget(schema: string): Promise<Target> {
  const address = await freshDatabase(newestServer(), schema);
  const session = await openSession(address, { application: "test" });
  await installIdentity(session, {
    ...{ name: "e", role: "prod", state: "canonical" },
    identity: crypto.randomUUID(),
  });
  return {
    ...{ address, session },
    end: async () => {
      await session.close();
      await dropDatabases(address);
    },
  };
}
