/** Store-sync: a store is brought up with its database by the change feed, and follows it for as long as was asked. */
import { readStore, updateStore } from "../../io/ledger/stores.ts";
import { addTaskFacts } from "../../io/ledger/tasks.ts";
import { forgetChanges } from "../../io/postgres/feed.ts";
import { openSession } from "../../io/postgres/session.ts";
import type { Synced } from "../../io/store/move/sync.ts";
import { refuseFenced } from "../fenced.ts";
import { definitionOf } from "../store-definition.ts";
import { refusePhase } from "../store-start.ts";
import { bringUp, feedOf, ledgerNow, reachEnvironment, withStoreOf } from "../store-work.ts";
import type { TaskWork } from "../task.ts";

/** Milliseconds between two looks at a feed in which nothing was. */
const REST = 1_000;

export const storeSyncTask: TaskWork<"store-sync"> = async (context) => {
  const { task, ledger } = context;
  const { store: id, seconds, forget } = task.input;
  const row = await readStore(ledger, id);
  refusePhase(row, ["following", "verified"]);
  await refuseFenced(ledger, row.environment);
  const feed = feedOf(row);
  const { environment, address } = await reachEnvironment(context);
  const definition = await definitionOf(context.store, environment, row);
  let { until, changes } = task.facts.following ?? { until: await ledgerNow(ledger, seconds), changes: 0 };
  return withStoreOf(environment, row, definition, async (store) => {
    let synced: Synced;
    for (;;) {
      synced = await bringUp(context, { environment, address, store, feed }, context.mayGoOn);
      changes += synced.changes;
      await context.asNewest(async () => {
        await addTaskFacts(ledger, task.id, { following: { until, changes } });
        await noteLag(synced);
      });
      context.passed("followed");
      if (!context.mayGoOn()) return { more: true, outcome: { more: true } };
      if (synced.complete && (await ledgerNow(ledger)) >= until) break;
      if (synced.changes === 0) await new Promise((resolve) => setTimeout(resolve, REST));
    }
    const forgotten = forget ? await forgetRead(synced) : 0;
    const { models } = await store.head();
    const rows = Object.values(models).reduce((sum, model) => sum + model.rows, 0);
    return {
      outcome: {
        ...{ store: id, environment: environment.name, changes, rows, forgotten },
        models: definition.models.length,
      },
      also: (ledger) => updateStore(ledger, id, { facts: { rows } }),
    };
  });

  /** The store remembers how far it has read, so whatever lies before is needed by nobody. */
  async function forgetRead({ cursor }: Synced): Promise<number> {
    const session = await openSession(address, { application: context.application });
    try {
      return await forgetChanges(session, feed, cursor);
    } finally {
      await session.close();
    }
  }

  async function noteLag({ lag, complete }: Synced): Promise<void> {
    const syncedAt = await ledgerNow(ledger);
    if (complete) await updateStore(ledger, id, { facts: { lag: { changes: lag.changes, syncedAt } } });
  }
};
