/** The control database's own schema, brought up to date by the product's own engine: by the service itself, or by another that keeps it. */
import { RehearsalError } from "../core/errors.ts";
import { type Migration, parseMigration } from "../core/migration.ts";
import { pendingMigrations } from "../core/pending.ts";
import { policySchema } from "../core/policy.ts";
import { planRuns } from "../core/runs.ts";
import { applyRuns } from "../io/postgres/apply.ts";
import type { Session } from "../io/postgres/session.ts";
import { installIdentity, readApplied, readIdentity } from "../io/postgres/target-schema.ts";

/** The name that a control database carries which nobody else keeps. */
export const OWN = "rehearsal-control";

/**
 * Applies what is missing of `files` (migrations/0001_*.sql …) to the control database; safe to run twice. Returns the paths
 * applied. Throws `ControlDatabaseBehind` where something is missing and the database is an environment of another service:
 * who gave it its identity promotes it.
 */
export async function migrateControl(
  session: Session,
  files: readonly { path: string; bytes: Uint8Array }[],
): Promise<string[]> {
  const found = await readIdentity(session);
  // One that carries the ledger by itself can never be registered as a target: it has an identity of its own.
  if (found === undefined)
    await installIdentity(session, {
      name: OWN,
      role: "prod",
      state: "canonical",
      identity: crypto.randomUUID(),
    });
  const migrations = await Promise.all(files.map(({ path, bytes }) => parseMigration(path, bytes)));
  if (found?.environment === OWN) await followNumbers(session, migrations);
  const applied = (await readApplied(session)).flatMap(({ path, version, sha256 }) =>
    version === null ? [] : [{ path, version, sha256 }],
  );
  const pending = pendingMigrations(migrations, applied);
  if (pending.length > 0 && found !== undefined && found.environment !== OWN)
    throw new RehearsalError("ControlDatabaseBehind", {
      environment: found.environment,
      pending: pending.map((migration) => migration.path),
    });
  const identity = await readIdentity(session);
  await applyRuns({
    session,
    attempt: { promotion: "control", step: "migrate", attempt: 1, token: Number(identity?.token ?? 0) },
    release: "control",
    runs: planRuns(pending, [], []),
    policy: policySchema.parse({}),
  });
  return pending.map((migration) => migration.path);
}

/**
 * The gap at 0007 was closed once the files behind it had been applied to ledgers: the same bytes under the same name are
 * the same migration, and get the number that they have now.
 */
async function followNumbers(session: Session, migrations: readonly Migration[]): Promise<void> {
  const named = (path: string) => path.replace(/\d+_/, "");
  await session.transaction(async () => {
    // Ascending, as it is read: each finds its new number free.
    for (const { path, version, sha256 } of await readApplied(session)) {
      const now = migrations.find((one) => one.sha256 === sha256 && named(one.path) === named(path));
      if (version === null || now === undefined || now.version >= version) continue;
      await session.query("update rehearsal.applied set path = $1, version = $2 where path = $3", [
        now.path,
        now.version,
        path,
      ]);
    }
  });
}
