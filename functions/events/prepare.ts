/**
 * Prepare: run by a deployment before anything else of it goes live. Brings the control database up to date, and makes once what
 * the service and its first person cannot do without.
 */
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import { openLedger } from "../../io/ledger/connection.ts";
import { copyKey } from "../../io/ledger/copies.ts";
import { listCopy } from "../../io/ledger/copy-reading.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { insertKey } from "../../io/ledger/keys.ts";
import { insertPerson, listPeople, replaceGrants } from "../../io/ledger/people.ts";
import type { Session } from "../../io/postgres/session.ts";
import { invoked } from "../../io/telemetry/invocation.ts";
import { artifacts, requiredVariable, secrets } from "../clients.ts";
import { ensureWrappingKey } from "../configuration.ts";
import { migrateControl } from "../control.ts";
import { ensureControlUser } from "../control-user.ts";
import { newKey } from "../identity/keys.ts";
import { personName } from "../person-name.ts";

/** What a deployment hands over: the control database's migrations, and the name of whoever is to be the first admin. */
const preparationSchema = z.object({
  migrations: z.array(z.object({ path: z.string(), text: z.string() })).min(1),
  firstPerson: personName,
});

interface Prepared {
  /** Paths of the migrations that were missing. */
  applied: string[];
  /** The secret that holds the first person's key; null when there were people already. */
  firstKey: string | null;
}

/** The session's advisory lock: it goes with the one that dies. */
const PREPARING = "7230271, 2";

/** Safe to run again, at the same time as well, and after it died anywhere. Throws `ControlDatabaseBehind` where somebody else migrates the database. */
export const handler = invoked(async (event: unknown): Promise<Prepared> => {
  const { migrations, firstPerson } = preparationSchema.parse(event);
  await ensureControlUser();
  const ledger = await openLedger("prepare");
  try {
    // Whoever waits too long for an answer calls again: two at once would each make a key, and keep the other's.
    await ledger.query(`select pg_advisory_lock(${PREPARING})`);
    await ensureWrappingKey(requiredVariable("REHEARSAL_CONFIGURATION_SECRET"));
    const files = migrations.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }));
    const applied = await migrateControl(ledger, files);
    const firstKey = await ensureSomebody(ledger, firstPerson);
    if (applied.length > 0 || firstKey !== null)
      await ledger.transaction(() =>
        appendEvent(ledger, {
          type: "control.prepared",
          data: { applied, firstPerson: firstKey && firstPerson },
        }),
      );
    return { applied, firstKey };
  } finally {
    await ledger.close();
  }
});

/** Throws `LedgerForgotten` where there was a ledger before this one: to begin another would leave it behind for good. */
async function assertFirst(): Promise<void> {
  const newest = (await listCopy(artifacts())).at(-1);
  if (newest === undefined) return;
  throw new RehearsalError("LedgerForgotten", {
    key: copyKey(newest),
    reason: "there is nobody in it",
  });
}

/** The key goes into its secret before the ledger knows it: were it the other way round, a death between would lose it. */
async function ensureSomebody(ledger: Session, name: string): Promise<string | null> {
  if ((await listPeople(ledger, { limit: 1 })).length > 0) return null;
  await assertFirst();
  const secret = requiredVariable("REHEARSAL_FIRST_KEY_SECRET");
  const { id, key } = newKey();
  await secrets.writeSecret(secret, key);
  await ledger.transaction(async () => {
    await insertPerson(ledger, name, "deployment");
    await replaceGrants(ledger, name, [{ environment: "*", role: "admin" }]);
    await insertKey(ledger, {
      ...{ id, key, person: name, label: "of the deployment", scope: null },
      ...{ expiresAt: null, createdBy: "deployment", createdWith: null },
    });
  });
  return secret;
}
