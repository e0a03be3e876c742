/** Store-export: an environment's data becomes a store, as it is at one instant, with the place in the feed from which it is followed. */
import { describePlace } from "../../core/stores.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { readStore, updateStore } from "../../io/ledger/stores.ts";
import { exportStore } from "../../io/store/move/export.ts";
import { refuseFenced } from "../fenced.ts";
import { readDefinition } from "../store-definition.ts";
import { refusePhase } from "../store-start.ts";
import { openStorePlace, reachEnvironment, refuseDrift } from "../store-work.ts";
import type { TaskClosing, TaskWork } from "../task.ts";

export const storeExportTask: TaskWork<"store-export"> = async (context) => {
  const { task, ledger, application } = context;
  const { store: id, release, place: where, feed } = task.input;
  // From here on nobody gives it up behind our back.
  const row = await context.asNewest(async () => {
    const row = await readStore(ledger, id, "lock");
    refusePhase(row, ["exporting"]);
    await updateStore(ledger, id, { task: task.id });
    return row;
  });
  await refuseFenced(ledger, task.environment ?? "");
  const { environment, address } = await reachEnvironment(context);
  await refuseDrift(context, environment.name);
  const { connections, patience: patienceSeconds } = environment.policy;
  const definition = await readDefinition(context.store, environment.name, release);
  const place = await openStorePlace(environment, row);
  try {
    const { files, bytes, rows, takenAt } = await exportStore({
      ...{ id, address, application, connections, patienceSeconds, definition, place },
      of: { environment: environment.name, identity: environment.identity },
      ...(feed !== null && { feed }),
      onProgress: context.progress,
      passed: (point) => context.passed(`export-${point}`),
    });
    const models = definition.models.length;
    const told = { store: id, release, place: describePlace(where), models, rows };
    return {
      outcome: { ...told, environment: environment.name, fileCount: files, bytes, takenAt },
      also: async (ledger) => {
        await updateStore(ledger, id, {
          ...{ phase: "following", task: null },
          facts: { rows, ...(feed !== null && { feed }) },
        });
        await appendEvent(ledger, {
          type: "store.exported",
          environment: environment.name,
          data: { ...told, task: task.id, by: task.requestedBy },
        });
      },
    };
  } finally {
    await place.close();
  }
};

/** A place without a head is no store: another export may begin anew, there or elsewhere. */
export const closeStoreExport: TaskClosing<"store-export"> = async ({ task, ledger }) => {
  const { store: id } = task.input;
  await ledger.transaction(async () => {
    const { phase } = await readStore(ledger, id, "lock");
    if (phase === "exporting") await updateStore(ledger, id, { phase: "given-up", task: null });
  });
  return undefined;
};
