/** Whom the functions sign in as at a control database that this deployment made: a role without a password, known to IAM alone. */
import * as z from "zod";
import { type DatabaseAddress, parseDatabaseUrl } from "../core/database-url.ts";
import { quoteName } from "../core/names.ts";
import { openSession } from "../io/postgres/session.ts";
import { requiredVariable, secrets } from "./clients.ts";

/** As RDS keeps it: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
const masterSchema = z.object({ username: z.string().min(1), password: z.string().min(1) });

/**
 * Makes the user of the control database's address, where REHEARSAL_CONTROL_MASTER_SECRET names the secret of its master;
 * does nothing where it does not, for that database is somebody else's. Safe to run again.
 */
export async function ensureControlUser(): Promise<void> {
  const secret = process.env.REHEARSAL_CONTROL_MASTER_SECRET;
  if (!secret) return;
  const control = parseDatabaseUrl(await secrets.readSecret(requiredVariable("REHEARSAL_CONTROL_SECRET")));
  const { username, password } = masterSchema.parse(JSON.parse(await secrets.readSecret(secret)));
  await makeUser(asMaster(control, username, password), control.user);
}

function asMaster({ iam, ...address }: DatabaseAddress, user: string, password: string): DatabaseAddress {
  return { ...address, user, password };
}

async function makeUser(master: DatabaseAddress, name: string): Promise<void> {
  const session = await openSession(master, {
    application: "rehearsal prepare",
    // It was made a moment ago, or is paused.
    patienceSeconds: 60,
  });
  const user = quoteName(name);
  try {
    await session.transaction(async () => {
      // Two deployments at once would both find nobody.
      await session.query("select pg_advisory_xact_lock(7230271, 3)");
      const [known] = await session.query("select 1 from pg_roles where rolname = $1", [name]);
      if (known === undefined) await session.execute(`create role ${user} login`);
      await session.execute(`grant rds_iam to ${user}`);
      await session.execute(
        `grant connect, create, temporary on database ${quoteName(master.database)} to ${user}`,
      );
    });
  } finally {
    await session.close();
  }
}
