/** Baseline: what every table of an environment's database holds right now, as counts and checksums, kept with its time. */
import { type Baseline, totalRows } from "../../core/baseline.ts";
import { type BaselineFile, baselineFileText } from "../../core/baseline-file.ts";
import type { Json } from "../../core/canonical-json.ts";
import { fingerprint } from "../../core/shape.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { openSession } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { openEnvironment, type TaskContext, type TaskWork } from "../task.ts";
import { writeTaskFiles } from "../task-files.ts";

export const baselineTask: TaskWork<"baseline"> = async (context) => {
  const { file, baseline } = await read(context);
  const files = await writeTaskFiles(context, { "baseline.json": baselineFileText(file) });
  return {
    outcome: {
      takenAt: file.takenAt,
      fingerprint: file.fingerprint,
      tables: Object.keys(baseline.tables).length,
      rows: totalRows(baseline),
      files: files as unknown as Json,
    },
  };
};

/** Everything under one snapshot, whose time is told by the server that took it. */
async function read({
  task,
  ledger,
  application,
  progress,
}: TaskContext<"baseline">): Promise<{ file: BaselineFile; baseline: Baseline }> {
  const { environment, address } = await openEnvironment(ledger, task.environment ?? "", application);
  const session = await openSession(address, {
    application,
    readOnly: true,
    patienceSeconds: environment.policy.patience,
  });
  try {
    return await session.transaction(async () => {
      const [now] = await session.query<{ takenAt: Date }>('select now() as "takenAt"');
      if (now === undefined) throw new Error("the server returned no row");
      const shape = await readShape(session);
      const baseline = await readBaseline(session, { onProgress: progress });
      const file: BaselineFile = {
        format: "rehearsal-baseline-file/1",
        environment: environment.name,
        task: task.id,
        takenAt: now.takenAt.toISOString(),
        fingerprint: fingerprint(shape),
        baseline,
      };
      return { file, baseline };
    }, "begin isolation level repeatable read read only");
  } finally {
    await session.close();
  }
}
