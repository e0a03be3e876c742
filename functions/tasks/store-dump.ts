/** Store-dump: what every model of an environment holds, counted and summed at one instant. */
import type { Json } from "../../core/canonical-json.ts";
import { dumpMetadata } from "../../io/store/move/dump.ts";
import { refuseFenced } from "../fenced.ts";
import { readDefinition } from "../store-definition.ts";
import { reachEnvironment } from "../store-work.ts";
import type { TaskWork } from "../task.ts";
import { writeTaskFiles } from "../task-files.ts";

export const storeDumpTask: TaskWork<"store-dump"> = async (context) => {
  const { task, ledger, store, application } = context;
  await refuseFenced(ledger, task.environment ?? "");
  const { environment, address } = await reachEnvironment(context);
  const { connections, patience: patienceSeconds } = environment.policy;
  const report = await dumpMetadata({
    ...{ address, application, connections, patienceSeconds },
    definition: await readDefinition(store, environment.name, task.input.release),
    onProgress: context.progress,
  });
  const files = await writeTaskFiles(context, { "metadata.json": `${JSON.stringify(report, null, 2)}\n` });
  const { models, rows } = report.totals;
  return { outcome: { models, rows, takenAt: report.takenAt, files: files as unknown as Json } };
};
