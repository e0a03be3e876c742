/** Putting a restored database in its place: under a free name, or under an environment's, whose old database is kept beside it. */

import { RehearsalError } from "../core/errors.ts";
import { databaseName } from "../core/names.ts";
import { readBackup } from "../io/ledger/backup-rows.ts";
import { listEnvironments, lockEnvironment, replaceEnvironment } from "../io/ledger/environments.ts";
import { overtakeRehearsals } from "../io/ledger/rehearsals.ts";
import type { TaskFacts } from "../io/ledger/tasks.ts";
import { readActsOf } from "../io/postgres/acts.ts";
import { findDatabase, moveDatabase } from "../io/postgres/databases.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { newestRelease, readIdentity, writeState } from "../io/postgres/target-schema.ts";
import { refuseLocked } from "./fenced.ts";
import { readGuardedShape } from "./guarded-shape.ts";
import { tellReturned } from "./returned.ts";
import { keepShape } from "./shapes.ts";
import type { TaskContext, TaskEnvironment } from "./task.ts";

export type Made = NonNullable<TaskFacts["made"]>;

/** Throws `DatabaseExists`; an environment's name is taken also while its database is behind a fence, and has another. */
export async function refuseTaken(ledger: Session, maintenance: Session, name: string): Promise<void> {
  const { host, port } = maintenance.address;
  const registered = (await listEnvironments(ledger)).some(({ address }) =>
    address.endsWith(`@${host}:${port}/${name}`),
  );
  if (registered || (await findDatabase(maintenance, { name })) !== undefined)
    throw new RehearsalError("DatabaseExists", { database: name });
}

interface Replacement {
  environment: string;
  /** The name under which the old database is kept. */
  keptAs: string;
  /** Writes to the ledger what is promised of the environment from now on. */
  record(ledger: Session): Promise<void>;
}

/**
 * Makes a restored database ready to be an environment's: it has to be that very environment's own, by the identity that
 * stands inside it, and gets the state that the environment has now. Throws `RestoreForeign`.
 */
export async function prepareReplacement(
  { task, store, ledger, application }: TaskContext<"restore">,
  { environment, address }: TaskEnvironment,
  maintenance: Session,
  made: Made,
): Promise<Replacement> {
  const found = await findDatabase(maintenance, { oid: made.oid });
  const session = await openSession(address, { application, database: found?.name ?? made.name });
  try {
    const identity = await readIdentity(session);
    if (identity?.identity !== environment.identity || identity.role !== environment.role) {
      const backup = await readBackup(ledger, task.backup ?? "");
      throw new RehearsalError("RestoreForeign", {
        backup: backup.id,
        from: identity?.environment ?? "a database without an identity",
        fromRole: identity?.role ?? "no role",
        to: environment.name,
        toRole: environment.role,
      });
    }
    await writeState(session, environment.state, null);
    const fingerprint = await keepShape(store, await readGuardedShape(session, environment.policy));
    const release = await newestRelease(session);
    const acts = {
      pruned: await readActsOf(session, "prune"),
      restored: await readActsOf(session, "prune-restore"),
    };
    return {
      environment: environment.name,
      keptAs: databaseName(address.database, "replaced", task.id),
      record: async (ledger) => {
        await replaceEnvironment(ledger, environment.name, { fingerprint, release });
        await tellReturned(ledger, environment.name, acts);
      },
    };
  } finally {
    await session.close();
  }
}

/**
 * Gives the database its name, and does only what is left to do. Nobody promotes the environment meanwhile; throws
 * `EnvironmentLocked`, `DatabaseExists`, and `DatabaseReplaced` when the old database is not the one it was. Returns the
 * name under which the old one is kept, or null.
 */
export async function putInPlace(
  { ledger, task, asNewest }: TaskContext<"restore">,
  maintenance: Session,
  made: Made,
  wanted: string,
  replacement: Replacement | undefined,
): Promise<string | null> {
  return asNewest(async () => {
    if (replacement !== undefined) {
      await overtakeRehearsals(ledger, replacement.environment, task.id);
      await lockEnvironment(ledger, replacement.environment);
      await refuseLocked(ledger, replacement.environment);
    }
    const current = await findDatabase(maintenance, { name: wanted });
    if (current !== undefined && current.oid !== made.oid) {
      if (replacement === undefined) throw new RehearsalError("DatabaseExists", { database: wanted });
      if (current.oid !== made.replaces)
        throw new RehearsalError("DatabaseReplaced", {
          database: wanted,
          environment: replacement.environment,
        });
      await moveDatabase(maintenance, current.oid, replacement.keptAs);
    }
    await moveDatabase(maintenance, made.oid, wanted);
    return replacement === undefined || made.replaces === undefined ? null : replacement.keptAs;
  });
}
