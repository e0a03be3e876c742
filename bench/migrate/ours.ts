/**
 * Our engine as a process, as the other tools are: `node ours.ts FOLDER DATABASE_URL` proves a project's files and applies what is pending.
 * `--load` does nothing but load; `--stay` does the same for each line of its input, `["FOLDER", "DATABASE_URL"]`, and answers each by a line.
 */
import "../../cli/parser-tiers.ts";
import { randomUUID } from "node:crypto";
import { readProjectFiles } from "../../cli/project-files.ts";
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { type AppliedMigration, pendingMigrations } from "../../core/pending.ts";
import { policySchema } from "../../core/policy.ts";
import { checkProject, type IsApplied } from "../../core/project.ts";
import { planRuns } from "../../core/runs.ts";
import { applyRuns } from "../../io/postgres/apply.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { installIdentity, readApplied } from "../../io/postgres/target-schema.ts";

const [first = "", url = ""] = process.argv.slice(2);
if (first === "--stay") {
  const { createInterface } = await import("node:readline");
  for await (const line of createInterface({ input: process.stdin })) {
    const [folder, database] = JSON.parse(line) as [string, string];
    await migrate(folder, database);
    console.log("done");
  }
} else if (first !== "--load") await migrate(first, url);

async function migrate(folder: string, database: string): Promise<void> {
  const opening = openSession(parseDatabaseUrl(database), { application: "bench" });
  // The files are read and hashed while the server answers.
  const record = opening.then(recordOf);
  try {
    const project = await checkProject(await readProjectFiles(folder), undefined, record.then(isIn));
    await applyRuns({
      session: await opening,
      attempt: { promotion: "bench", step: "migrate", attempt: 1, token: 1 },
      release: "bench",
      runs: planRuns(pendingMigrations(project.migrations, await record), [], []),
      policy: policySchema.parse({}),
    });
  } finally {
    await (await opening).close();
  }
}

/** What the database has had; one that is nobody's is made ours. */
async function recordOf(session: Session): Promise<AppliedMigration[]> {
  const applied = await readApplied(session).catch(async (error: unknown) => {
    const { facts } = error as { facts?: { sqlstate?: string } };
    if (facts?.sqlstate !== "42P01") throw error;
    await installIdentity(session, {
      ...{ name: "bench", role: "dev", state: "writeable", identity: randomUUID() },
    });
    return [];
  });
  return applied.flatMap(({ version, ...file }) => (version === null ? [] : [{ version, ...file }]));
}

function isIn(record: readonly AppliedMigration[]): IsApplied {
  const had = new Set(record.map(({ path }) => path));
  return ({ path }) => had.has(path);
}
