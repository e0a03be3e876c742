/** Prune-test: a backup becomes a copy on which a retention policy has to show that nothing is lost that stays; and then is dropped. */
import type { Json } from "../../core/canonical-json.ts";
import { RehearsalError } from "../../core/errors.ts";
import { type PolicyTestReport, TESTED_RECORDS } from "../../core/policy-test.ts";
import { type BackupRow, readBackup } from "../../io/ledger/backup-rows.ts";
import { markBackup } from "../../io/ledger/backups.ts";
import { readEnvironment } from "../../io/ledger/environments.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { putPolicyTest } from "../../io/ledger/policy-tests.ts";
import { addTaskFacts } from "../../io/ledger/tasks.ts";
import { dropScratch, letOwnLoginIn } from "../../io/postgres/databases.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { refuseUnusable } from "../backups.ts";
import { exportPrefix } from "../exports.ts";
import { type Tested, testPolicy } from "../policy-test.ts";
import { mediaOf } from "../prune/storage.ts";
import { findPolicy } from "../retention-policies.ts";
import { openCopies, type TaskContext, type TaskWork } from "../task.ts";
import { makeTaskCopy, refusingDamage } from "../task-copy.ts";
import { writeTaskFiles } from "../task-files.ts";

export const pruneTestTask: TaskWork<"prune-test"> = async (context) => {
  const { task, ledger } = context;
  const backup = await readBackup(ledger, task.backup ?? "");
  refuseUnusable(backup);
  const { seconds, tested } = await onCopy(context, backup);
  const report: PolicyTestReport = {
    format: "rehearsal-prune-test/1",
    ...{ environment: backup.environment, backup: backup.id },
    ...tested,
    seconds: { ...tested.seconds, restore: seconds },
  };
  const files = await writeTaskFiles(context, { "prune-test.json": `${JSON.stringify(report, null, 2)}\n` });
  const note = async (session: Session) => {
    await markBackup(session, backup.id, "verified", {
      by: "restore",
      restoreSeconds: seconds,
      task: task.id,
    });
    await noteTest(session, context, report);
  };
  if (!report.passed) {
    await context.asNewest(() => note(ledger));
    throw new RehearsalError("PolicyTestFailed", {
      policy: report.policy,
      backup: backup.id,
      problems: report.problems.slice(0, 5).join("; "),
      more: Math.max(0, report.problems.length - 5),
    });
  }
  const { format: _, problems: __, ...told } = report;
  return { outcome: { ...told, files } as unknown as Json, also: note };
};

async function noteTest(session: Session, { task }: TaskContext<"prune-test">, report: PolicyTestReport) {
  const { environment, policy, release, digest, fingerprint, passed } = report;
  await putPolicyTest(session, {
    ...{ task: task.id, environment, policy, release, digest, fingerprint, passed },
    result: report as unknown as Json,
  });
  await appendEvent(session, {
    type: passed ? "policy.tested" : "policy.test-refused",
    environment,
    data: {
      task: task.id,
      policy,
      release,
      digest,
      backup: report.backup,
      problems: report.problems.slice(0, 5),
    },
  });
}

async function onCopy(
  context: TaskContext<"prune-test">,
  backup: BackupRow,
): Promise<{ seconds: number; tested: Tested }> {
  const { task, ledger, store, application, attempt } = context;
  const opened = await openCopies(ledger, backup.environment, application);
  const maintenance = await opened.openMaintenance();
  const prefix = `${exportPrefix(task.id)}${attempt.attempt}/bundles/`;
  try {
    const wanted = opened.address.database;
    const made = await refusingDamage(context, backup, () =>
      makeTaskCopy(context, backup, opened, maintenance, wanted),
    );
    // Another attempt begins anew, and would have as much to do: this copy is about to be written to.
    context.kept(false);
    await context.asNewest(() => addTaskFacts(ledger, task.id, { copying: null }));
    const environment = await readEnvironment(ledger, backup.environment);
    const known = await findPolicy(store, { ...environment, release: task.input.release }, task.input.policy);
    await letOwnLoginIn(maintenance, made.name);
    const copy = await openSession({ ...opened.address, database: made.name }, { application });
    let tested: Tested;
    try {
      tested = await testPolicy({
        ...{ context, copy, known, prefix },
        storage: mediaOf(environment.policy),
        before: made.manifest.baseline,
        wanted: task.input.records ?? TESTED_RECORDS,
      });
    } finally {
      await copy.close();
    }
    // What cannot be dropped now is dropped by the sweep; the copy of an attempt that fails, by the next one or when the task is closed.
    await dropScratch(maintenance, task.id, []).catch(() => undefined);
    return { seconds: made.seconds, tested: refusingOther(environment, tested) };
  } finally {
    await store.erase(prefix).catch(() => undefined);
    await maintenance.close();
  }
}

/** What was proved of another shape than the environment has proves nothing of it. */
function refusingOther({ fingerprint }: { fingerprint: string }, tested: Tested): Tested {
  if (tested.fingerprint === fingerprint) return tested;
  const problem =
    "the backup has another schema than the environment has now; test on one that was taken since";
  return { ...tested, passed: false, problems: [...tested.problems, problem] };
}
