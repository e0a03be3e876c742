/** Store-import: what a store holds comes into an environment's empty tables, all of it or nothing, compared before it is committed. */
import { RehearsalError } from "../../core/errors.ts";
import { describePlace } from "../../core/stores.ts";
import type { TaskInputs } from "../../core/tasks.ts";
import type { Environment } from "../../io/ledger/environments.ts";
import { appendEvent } from "../../io/ledger/events.ts";
import { readHead } from "../../io/store/head.ts";
import { exportOf } from "../../io/store/move/export-notes.ts";
import { type ImportOptions, importStore } from "../../io/store/move/import.ts";
import type { Place } from "../../io/store/place.ts";
import { commitInTurn } from "../commit-turn.ts";
import { refuseLocked } from "../fenced.ts";
import { readDefinition } from "../store-definition.ts";
import { amountOf, compareStore, openStorePlace, reachEnvironment, withStore } from "../store-work.ts";
import type { TaskWork } from "../task.ts";

export const storeImportTask: TaskWork<"store-import"> = async (context) => {
  const { task, ledger, application } = context;
  const { release, place: where } = task.input;
  await refuseLocked(ledger, task.environment ?? "");
  const { environment, address } = await reachEnvironment(context);
  const definition = await readDefinition(context.store, environment.name, release);
  const place = await openStorePlace(environment, { place: where, facts: {} });
  let rows: number;
  let changed = true;
  try {
    await assertOwned(environment, place, task.input);
    const options: ImportOptions = {
      ...{ address, application, definition, place, patienceSeconds: environment.policy.patience },
      onProgress: context.progress,
      passed: context.passed,
      commit: (commit) => commitInTurn(context, environment.name, commit),
    };
    ({ rows } = await importStore(options));
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code !== "StoreTargetTaken") throw error;
    // An attempt that died may have committed all of it, and only that.
    const report = await withStore(environment, { place: where, facts: {} }, definition, (store) =>
      compareStore(context, { environment, address, store }),
    );
    if (!report.verified) throw error;
    ({ rows } = amountOf(report));
    changed = false;
  } finally {
    await place.close();
  }
  const told = { place: describePlace(where), models: definition.models.length, rows, changed };
  return {
    outcome: { ...told, environment: environment.name, release },
    also: (ledger) =>
      appendEvent(ledger, {
        type: "store.imported",
        environment: environment.name,
        data: { ...told, task: task.id, release, by: task.requestedBy },
      }).then(() => undefined),
  };
};

/** Another environment's data comes in only where that is said, by whoever may take it out of there. Throws `StoreOfAnother`. */
async function assertOwned(
  { name, identity }: Environment,
  place: Place,
  { place: where, of }: TaskInputs["store-import"],
): Promise<void> {
  const found = await readHead(place);
  // That there is none the import tells.
  if (found === undefined) return;
  const made = exportOf(found.head.notes)?.of;
  if (made?.identity === identity || of === (made?.environment ?? name)) return;
  const owner = made?.environment ?? null;
  const given = of ?? null;
  throw new RehearsalError("StoreOfAnother", {
    place: describePlace(where),
    environment: name,
    owner,
    given,
  });
}
