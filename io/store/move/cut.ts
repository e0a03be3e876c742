/** One instant of a database, read by several sessions at once. */
import type { DatabaseAddress } from "../../../core/database-url.ts";
import { RehearsalError } from "../../../core/errors.ts";
import { exportSnapshot } from "../../postgres/backup-facts.ts";
import { type CopySession, openCopySession } from "../../postgres/copy.ts";
import { assertDirect } from "../../postgres/pooler.ts";
import { PINNED } from "../../postgres/reading.ts";
import { openSession, type Session } from "../../postgres/session.ts";
import { dropOnAbort, together } from "../../postgres/together.ts";

export interface CutOptions {
  address: DatabaseAddress;
  /** Shown in pg_stat_activity. */
  application: string;
  signal?: AbortSignal | undefined;
  patienceSeconds?: number | undefined;
}

/** The instant, while it is held. */
export interface Cut {
  /** Its transaction holds the snapshot: nothing else may end it. */
  holder: Session;
  /** What was visible, as pg_current_snapshot() tells it. */
  snapshot: string;
  /** By the server's clock, ISO 8601 in UTC. */
  takenAt: string;
  /** Aborts everybody's work, with the first failure. */
  stop: AbortController;
  /** Another session that sees the same; whoever opens it closes it. */
  open(): Promise<CopySession>;
}

/**
 * Runs the work at one instant: a transaction that is repeatable read and read-only, whose snapshot others take. Throws
 * `PoolerFound`, and `StoreEncodingUnfit` for a database that does not know what its bytes mean.
 */
export async function atOneCut<T>(options: CutOptions, work: (cut: Cut) => Promise<T>): Promise<T> {
  const { address, application, patienceSeconds } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  signal.throwIfAborted();
  const holder = await openSession(address, {
    application,
    ...(patienceSeconds !== undefined && { patienceSeconds }),
  });
  const release = dropOnAbort(holder, signal, application);
  try {
    await assertDirect(holder);
    await assertEncoding(holder);
    return await holder.transaction(async () => {
      await holder.execute(PINNED);
      const { id, transactions, takenAt } = await exportSnapshot(holder);
      const open = async () => {
        const session = await openCopySession(address, { application, signal });
        await session.execute(
          `begin isolation level repeatable read, read only; set transaction snapshot '${id}'; ${PINNED}`,
        );
        return session;
      };
      return await work({ holder, snapshot: transactions, takenAt, stop, open });
    }, "begin isolation level repeatable read, read only");
  } finally {
    release();
    await holder.close();
  }
}

/** Gives each session of a few one piece of work after another, until none is left. The first failure ends all and is thrown. */
export async function shared<Work>(
  cut: Pick<Cut, "open" | "stop">,
  sessions: number,
  queue: Work[],
  each: (session: CopySession, work: Work) => Promise<void>,
): Promise<void> {
  const worker = async () => {
    if (queue.length === 0) return;
    const session = await cut.open();
    try {
      for (let work = queue.shift(); work !== undefined; work = queue.shift()) await each(session, work);
    } finally {
      await session.close();
    }
  };
  await together(cut.stop, Array.from({ length: Math.max(1, Math.min(sessions, queue.length)) }, worker));
}

/** The texts of a store are Unicode: bytes of an unknown meaning would be changed on their way. */
async function assertEncoding(session: Session): Promise<void> {
  const [row] = await session.query<{ encoding: string }>(
    "select pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()",
  );
  if (row?.encoding === "SQL_ASCII") throw new RehearsalError("StoreEncodingUnfit", {});
}
