/**
 * A prune's turn at a database. While a promotion has the environment nothing is pruned, for its copies and its way back rest on
 * what production held; and while something is being pruned no promotion begins and no hold is placed. Several batches have their
 * turns at the same time.
 *
 * The order of the locks, for whoever takes several: the environment's turns, its holds, the prune, its records, the log.
 */
import { RehearsalError } from "../../core/errors.ts";
import { type Environment, readEnvironment } from "../../io/ledger/environments.ts";
import { lockHolds } from "../../io/ledger/holds.ts";
import { lockTurns } from "../../io/ledger/rehearsals.ts";
import type { Session } from "../../io/postgres/session.ts";
import { log } from "../../io/telemetry/log.ts";
import { waitForPromotion } from "../fenced.ts";

/** Seconds after which the ledger lets go of whoever does not speak any more. */
export const SILENT = 28;

/**
 * Runs the work in a transaction of the ledger in which no promotion of the environment begins and no hold is placed. Throws
 * `PruneMustWait` when a promotion has it. Where the sandbox dies, the turn is over.
 */
export async function inTurn<T>(ledger: Session, environment: string, work: () => Promise<T>): Promise<T> {
  return ledger.transaction(async () => {
    await ledger.execute(`set local idle_in_transaction_session_timeout = '${SILENT}s'`);
    await lockTurns(ledger, environment, "beside");
    await waitForPromotion(ledger, environment);
    await lockHolds(ledger, environment, "beside");
    return whileSpeaking(ledger, work);
  });
}

/**
 * Throws `BatchUnfinished` when the environment has got another release or shape since its plan was made: a sandbox that was held up
 * for a whole promotion goes on with what it knew before. To be asked in the turn.
 */
export async function assertSameShape(ledger: Session, prune: string, known: Environment): Promise<void> {
  const { release, fingerprint } = await readEnvironment(ledger, known.name);
  if (release !== known.release || fingerprint !== known.fingerprint)
    throw new RehearsalError("BatchUnfinished", { prune, left: 1 });
}

const WAITS: ReadonlySet<string> = new Set(["PruneMustWait", "StoreCutOver"]);

/** What the work comes to, or `otherwise` while a promotion or a store has the environment: whoever comes later does it. */
export async function postponed<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RehearsalError) || !WAITS.has(error.code)) throw error;
    log.info("left for later", { reason: error.message });
    return otherwise;
  }
}

/**
 * Throws when the ledger has let go of the turn, which may be over then: asked as the last thing before what cannot be taken
 * back is committed.
 */
export async function assertTurn(ledger: Session): Promise<void> {
  await ledger.query("select 1");
}

/** The work may take longer than a silent transaction is left alone for. */
export async function whileSpeaking<T>(ledger: Session, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(
    () => {
      // Whoever speaks next is told that the session is gone.
      ledger.query("select 1").catch(() => undefined);
    },
    (SILENT * 1_000) / 4,
  );
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
