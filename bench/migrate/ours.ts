/** Our engine as a process, as the other tools are: `node ours.ts FOLDER DATABASE_URL` proves a project's files and applies what is pending. */
import "../../cli/parser-tiers.ts";
import { randomUUID } from "node:crypto";
import { readProjectFiles } from "../../cli/project-files.ts";
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { pendingMigrations } from "../../core/pending.ts";
import { policySchema } from "../../core/policy.ts";
import { checkProject } from "../../core/project.ts";
import { planRuns } from "../../core/runs.ts";
import { applyRuns } from "../../io/postgres/apply.ts";
import { openSession } from "../../io/postgres/session.ts";
import { installIdentity, readApplied, readIdentity } from "../../io/postgres/target-schema.ts";

const [folder = ".", url = ""] = process.argv.slice(2);
const session = await openSession(parseDatabaseUrl(url), { application: "bench" });
try {
  if ((await readIdentity(session)) === undefined)
    await installIdentity(session, {
      ...{ name: "bench", role: "dev", state: "writeable", identity: randomUUID() },
    });
  const applied = (await readApplied(session)).flatMap(({ version, ...file }) =>
    version === null ? [] : [{ version, ...file }],
  );
  const had = new Set(applied.map(({ path }) => path));
  const project = await checkProject(await readProjectFiles(folder), undefined, ({ path }) => had.has(path));
  await applyRuns({
    session,
    attempt: { promotion: "bench", step: "migrate", attempt: 1, token: 1 },
    release: "bench",
    runs: planRuns(pendingMigrations(project.migrations, applied), [], []),
    policy: policySchema.parse({}),
  });
} finally {
  await session.close();
}
