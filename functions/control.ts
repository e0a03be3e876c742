/** The control database's own schema, brought up to date by the product's own engine. */
import { parseMigration } from "../core/migration.ts";
import { pendingMigrations } from "../core/pending.ts";
import { policySchema } from "../core/policy.ts";
import { planRuns } from "../core/runs.ts";
import { applyRuns } from "../io/postgres/apply.ts";
import type { Session } from "../io/postgres/session.ts";
import { installIdentity, readApplied, readIdentity } from "../io/postgres/target-schema.ts";

/** Applies what is missing of `files` (migrations/0001_*.sql …) to the control database; safe to run twice. Returns the paths applied. */
export async function migrateControl(
  session: Session,
  files: readonly { path: string; bytes: Uint8Array }[],
): Promise<string[]> {
  // A database that carries the ledger can never be registered as a target: it has an identity of its own.
  if ((await readIdentity(session)) === undefined)
    await installIdentity(session, {
      name: "rehearsal-control",
      role: "prod",
      state: "canonical",
      identity: crypto.randomUUID(),
    });
  const migrations = await Promise.all(files.map(({ path, bytes }) => parseMigration(path, bytes)));
  const applied = (await readApplied(session)).flatMap(({ path, version, sha256 }) =>
    version === null ? [] : [{ path, version, sha256 }],
  );
  const pending = pendingMigrations(migrations, applied);
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
