/** Store-verify: a store and its database are compared, row by row, and the store is held against its own rules. */
import type { Json } from "../../core/canonical-json.ts";
import { describeProblem } from "../../core/stores.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { readStore, updateStore } from "../../io/ledger/stores.ts";
import { refuseFenced } from "../fenced.ts";
import { definitionOf } from "../store-definition.ts";
import { refusePhase } from "../store-start.ts";
import { amountOf, compareStore, reachEnvironment, withStoreOf } from "../store-work.ts";
import type { TaskWork } from "../task.ts";
import { writeTaskFiles } from "../task-files.ts";

/** So many differences stand in the outcome; all that are listed stand in the file. */
const TOLD = 10;

export const storeVerifyTask: TaskWork<"store-verify"> = async (context) => {
  const { task, ledger } = context;
  const { store: id } = task.input;
  const row = await readStore(ledger, id);
  refusePhase(row, ["following", "verified"]);
  await refuseFenced(ledger, row.environment);
  const { environment, address } = await reachEnvironment(context);
  const definition = await definitionOf(context.store, environment, row);
  const { feed } = row.facts;
  const report = await withStoreOf(environment, row, definition, (store) =>
    compareStore(context, { environment, address, store, feed }),
  );
  const files = await writeTaskFiles(context, {
    "verification.json": `${JSON.stringify(report, null, 2)}\n`,
  });
  const { verified, found: differences } = report;
  const { models, rows } = amountOf(report);
  const told = report.problems.slice(0, TOLD).map(describeProblem);
  return {
    outcome: {
      ...{ store: id, environment: environment.name, verified, models, rows, differences, told },
      files: files as unknown as Json,
    },
    also: async (ledger) => {
      const { phase } = await readStore(ledger, id, "lock");
      // A cutover that has begun meanwhile compares for itself.
      if (phase !== "following" && phase !== "verified") return;
      await updateStore(ledger, id, {
        phase: verified ? "verified" : "following",
        facts: { rows, verification: { task: task.id, differences } },
      });
      await appendEvent(ledger, {
        type: verified ? "store.verified" : "store.differs",
        environment: environment.name,
        data: { store: id, task: task.id, models, rows, differences, told, by: task.requestedBy },
      });
    },
  };
};
