/**
 * Both at once: Postgres counts, and the files follow within each transaction. They are written while the transaction holds
 * its locks, and before it commits: so they have the rows in the database's own order, and what may not have come to be is in doubt
 * (doubts.ts) and never lost.
 */
import { RehearsalError } from "../../core/errors.ts";
import type { StoreDefinition } from "../../core/store/definition.ts";
import { modelNamed } from "../../core/store/relations.ts";
import { parseKey } from "../../core/store/rows.ts";
import type { Reader, Store } from "../../core/store/store.ts";
import { type Compare, compareReads, type Difference } from "./differences.ts";
import {
  type Doubt,
  dropDoubtFiles,
  newDoubt,
  resolveDoubts,
  revisedDoubts,
  shareDoubtLock,
  sweepDoubtFiles,
} from "./doubts.ts";
import { type Change, type JsonStore, openJsonStore } from "./json-store.ts";
import type { Place } from "./place.ts";
import {
  type CommitGuard,
  openPostgresStore,
  type PostgresStore,
  type PostgresStoreOptions,
  type Written,
} from "./postgres-store.ts";
import { storeMilestone } from "./store-milestone.ts";

export interface DualStoreOptions extends PostgresStoreOptions {
  /** A store that follows the database: an export made it. Closed with this one. */
  place: Place;
  /** `sampled` when not given. */
  compare?: Compare;
  /** A warning of the process when not given. */
  onDifference?: (difference: Difference) => void;
  /** How long a difference may last before it is one; 5,000 when not given. */
  patienceMilliseconds?: number;
}

/** Opens both; rows that another process died over are set right first. Throws what either throws, and `StoreNotCanonical` on writing to a store that follows no more. */
export async function openDualStore({
  place,
  compare = "sampled",
  onDifference = warn,
  patienceMilliseconds = 5_000,
  ...options
}: DualStoreOptions): Promise<Store> {
  const { definition } = options;
  const files = await openJsonStore({ place, definition, as: "follower" });
  let database: PostgresStore | undefined;
  try {
    database = await openPostgresStore(options);
    await database.session(async (session) => {
      await resolveDoubts(session, files);
      await sweepDoubtFiles(session, files);
    });
  } catch (error) {
    await database?.close();
    await files.close();
    throw error;
  }
  const comparison = compareReads({
    ...{ database, files, place, definition, compare, onDifference, patienceMilliseconds },
  });
  return dualStore(definition, database, files, comparison);
}

function dualStore(
  definition: StoreDefinition,
  database: PostgresStore,
  files: JsonStore,
  comparison: ReturnType<typeof compareReads>,
): Store {
  /** Committed for certain; the next who writes takes them out of the head. */
  const certain = new Map<string, Doubt>();

  /** In a transaction that shares the lock: adds a doubt about the changes, and takes out those that are none any longer. */
  const apply = async (changes: Change[], added?: { id: string; doubt: Doubt }) => {
    const gone = [...certain];
    await files.apply(changes, (notes) =>
      revisedDoubts(
        notes,
        gone.map(([id]) => id),
        added,
      ),
    );
    for (const [id] of gone) certain.delete(id);
    await dropDoubtFiles(
      files,
      gone.map(([, doubt]) => doubt),
    );
  };

  const guard = (): CommitGuard => {
    let mine: { id: string; doubt: Doubt } | undefined;
    return {
      before: async (written, session) => {
        await shareDoubtLock(session);
        mine = await newDoubt(files, written);
        await apply(written.map(changeOf), mine);
        storeMilestone(files.place.where, "in-doubt");
      },
      after: async (committed) => {
        if (committed && mine !== undefined) certain.set(mine.id, mine.doubt);
        if (!committed)
          // The failure that matters is the first one; the doubt stands in the head until somebody resolves it.
          await database.session((session) => resolveDoubts(session, files)).catch(() => undefined);
      },
    };
  };

  const transaction: Store["transaction"] = (work) => database.guarded(work, guard);
  const read: Reader = {
    get: async (model, key) => {
      const row = await database.get(model, key);
      await comparison.row(model, parseKey(modelNamed(definition, model), key));
      return row;
    },
    list: async (model, by, page) => {
      const listed = await database.list(model, by, page);
      await comparison.page(model, listed, () => files.list(model, by, page));
      return listed;
    },
    count: database.count,
  };
  return {
    ...read,
    put: (model, row) => transaction((tx) => tx.put(model, row)),
    append: (model, row) => transaction((tx) => tx.append(model, row)),
    delete: (model, key) => transaction((tx) => tx.delete(model, key)),
    transaction,
    close: async () => {
      try {
        await comparison.end();
        if (certain.size > 0)
          await database
            .session((session) =>
              session.transaction(async () => {
                await shareDoubtLock(session);
                await apply([]);
              }, "begin isolation level read committed, read only"),
            )
            .catch(unlessOver);
      } finally {
        await database.close();
        await files.close();
      }
    },
  };
}

/** Behind a cutover's fence there is nobody to ask: what was certain stays noted as in doubt, and whoever brings the store up finds it to be so. */
function unlessOver(error: unknown): void {
  const over = error instanceof RehearsalError && OVER.has(error.code);
  if (!over) throw error;
}

const OVER: ReadonlySet<string> = new Set(["DatabaseUnreachable", "StoreNotCanonical"]);

function changeOf({ model, key, row }: Written): Change {
  return row === undefined ? { model: model.name, delete: key } : { model: model.name, put: row };
}

function warn({ model, key, found, reason }: Difference): void {
  const told =
    reason === undefined ? `is not the same in both (found in ${found})` : `was not compared: ${reason}`;
  process.emitWarning(`${model} ${JSON.stringify(key)} ${told}`, { code: "StoreDifference" });
}
