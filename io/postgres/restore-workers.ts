/** What several sessions of a restore do at once: whoever is free makes an entry that can be made, or else loads the next object. */
import { EventEmitter, once } from "node:events";
import { RehearsalError } from "../../core/errors.ts";
import type { RestoreSchedule } from "../../core/restore-schedule.ts";
import { assertIntact, readObject } from "../backup-objects.ts";
import type { ObjectStore } from "../object-store.ts";
import type { CopySession } from "./copy.ts";
import type { EntryMaker } from "./entry-maker.ts";
import { copyLargeObjectsIn } from "./large-objects.ts";
import type { Load, LoadQueue } from "./load-queue.ts";
import type { RestoreRecord } from "./restore-record.ts";

/** A session, and what makes entries through it. */
export interface RestoreWorker {
  session: CopySession;
  maker: EntryMaker;
}

interface RestoreWork {
  store: ObjectStore;
  queue: LoadQueue;
  schedule: RestoreSchedule;
  record: RestoreRecord;
  /** Large objects' bytes can only be written when the objects are there. */
  objectsMade: Promise<void>;
  /** Ends the waiting; the sessions have to heed it by themselves. */
  signal: AbortSignal;
}

/**
 * Starts the workers on all there is to load and to make; each promise is that of one worker, for `together`. An index is built as soon
 * as its table is full: the longest chain of them, which one session has to build alone, is then not what is left at the end.
 */
export function workAll(workers: readonly RestoreWorker[], work: RestoreWork): Promise<void>[] {
  const changes = new EventEmitter().setMaxListeners(workers.length);
  return workers.map((worker) => workOn(worker, work, changes));
}

async function workOn(
  { session, maker }: RestoreWorker,
  work: RestoreWork,
  changes: EventEmitter,
): Promise<void> {
  const { queue, schedule, signal } = work;
  const loads = queue.forOneSession();
  for (;;) {
    const entry = schedule.next();
    const load = entry === undefined ? loads.next().value : undefined;
    if (entry !== undefined) {
      await maker.make(entry);
      schedule.done(entry);
    } else if (load !== undefined) {
      await loadObject(session, load, work);
      if (queue.loaded(load)) schedule.filled(load.tocId);
    } else if (schedule.over) return;
    else {
      await once(changes, "change", { signal });
      continue;
    }
    changes.emit("change");
  }
}

/** Loads the object and marks it, in one transaction. */
async function loadObject(
  session: CopySession,
  load: Load,
  { store, queue, record, objectsMade }: RestoreWork,
): Promise<void> {
  const { object, copyInto } = load;
  if (copyInto === undefined) await objectsMade;
  await session.execute("begin");
  const rows = await copyIn(session, store, load, queue);
  if (rows !== object.rows)
    throw new RehearsalError("BackupCorrupt", {
      object: object.key,
      reason: `it holds ${rows} rows instead of ${object.rows}`,
    });
  if (copyInto !== undefined) queue.tell(load, { bytes: 0, rows });
  const [writer = ""] = await session.readRow(record.markObject(object.key));
  await session.execute("commit");
  if (copyInto !== undefined) queue.writers[object.key] = writer;
  record.tell("object");
}

/** The COPY ends, and its rows are there, only after `readObject` has seen the object's last byte and found it right. */
async function copyIn(
  session: CopySession,
  store: ObjectStore,
  load: Load,
  queue: LoadQueue,
): Promise<number> {
  async function* told() {
    for await (const piece of readObject(store, load.object)) {
      queue.tell(load, { bytes: piece.length, rows: 0 });
      yield piece;
    }
  }
  try {
    return load.copyInto === undefined
      ? await copyLargeObjectsIn(session, told())
      : await session.copyIn(load.copyInto, told(), { consume: true });
  } catch (error) {
    // A flipped bit may reach the server as a value it refuses, before the object's end gives it away.
    if (error instanceof RehearsalError && error.code === "StatementFailed")
      await assertIntact(store, load.object);
    throw error;
  }
}
