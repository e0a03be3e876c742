/** A replay: a project's files run in order in an empty database beside an environment's own, which is gone again afterwards. */
import { randomBytes, randomUUID } from "node:crypto";
import type { DatabaseAddress } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import { databaseName } from "../core/names.ts";
import type { Policy } from "../core/policy.ts";
import type { Project } from "../core/project.ts";
import { planRuns } from "../core/runs.ts";
import { applyRuns } from "../io/postgres/apply.ts";
import {
  closeToPublic,
  createDatabaseLike,
  dropDatabase,
  findDatabase,
  letOwnLoginIn,
} from "../io/postgres/databases.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { installIdentity } from "../io/postgres/target-schema.ts";

export interface ReplayPlace {
  /** The environment's database, with its password; the scratch database gets its owner, encoding and locale. */
  address: DatabaseAddress;
  /** A session on the database from which others are made. */
  maintenance: Session;
  /** pg_stat_activity's name of the replay's session. */
  application: string;
  /** The promotion or task whose scratch database it is: should everything die, the sweep finds it by this. */
  owner: string;
  policy: Pick<Policy, "lockTimeout" | "lockRetries" | "statementTimeout" | "searchPath" | "patience">;
}

interface ReplayOptions {
  /** The last migration to run; all of them when left out. */
  through?: number;
  /** Each file in a transaction of its own, as other tools run them: a value added to an enum can be used by the next. */
  alone?: true;
  /** Told each file before it runs. */
  onFile?: (path: string) => void;
}

/**
 * Runs a project's migrations in a new database of the environment's server, and its views where all of them ran, for a view
 * may lean on the last. Then `read` has the session. The database is dropped whatever happens. Throws as a promotion would.
 */
export async function withReplay<T>(
  place: ReplayPlace,
  project: Pick<Project, "migrations" | "views">,
  options: ReplayOptions,
  read: (session: Session) => Promise<T>,
): Promise<T> {
  const { address, maintenance, application, owner, policy } = place;
  const source = await findDatabase(maintenance, { name: address.database });
  if (source === undefined)
    throw new RehearsalError("NotFound", { what: "database", name: address.database });
  const name = databaseName(address.database, "scratch", `${owner}_${randomBytes(4).toString("hex")}`);
  try {
    await createDatabaseLike(maintenance, source.oid, name);
    await closeToPublic(maintenance, name);
    await letOwnLoginIn(maintenance, name);
    const session = await openSession(address, {
      application,
      database: name,
      patienceSeconds: policy.patience,
    });
    try {
      await run(session, place, project, options);
      return await read(session);
    } finally {
      await session.close();
    }
  } finally {
    await dropDatabase(maintenance, name);
  }
}

async function run(
  session: Session,
  { owner, policy }: ReplayPlace,
  { migrations, views }: Pick<Project, "migrations" | "views">,
  { through, alone, onFile }: ReplayOptions,
): Promise<void> {
  const wanted = migrations.filter(({ version }) => through === undefined || version <= through);
  const due = wanted.length === migrations.length ? views : [];
  // What is applied is recorded in the database, which therefore has to be somebody's; nobody else knows this identity.
  await installIdentity(session, { name: owner, role: "dev", state: "writeable", identity: randomUUID() });
  await applyRuns({
    session,
    attempt: { promotion: owner, step: "replay", attempt: 1, token: 1 },
    release: "",
    runs: alone
      ? [...wanted.flatMap((migration) => planRuns([migration], [], [])), ...planRuns([], due, [])]
      : planRuns(wanted, due, []),
    policy,
    // Nobody's rows are here, whatever the server's standbys do.
    unpaced: true,
    ...(onFile && { onItem: ({ path }) => onFile(path) }),
  });
}
