/** Stopping in time: Lambda ends a function at its limit whatever it does, so a long step stops before and is called again. */
import { type BatchStanding, secondsLeft } from "../core/batch-progress.ts";
import { RehearsalError } from "../core/errors.ts";
import type { RunItem } from "../core/runs.ts";
import { readPromotion } from "../io/ledger/promotions.ts";
import type { StepContext } from "./step.ts";

/** Milliseconds kept for what comes after the last slice, where the function has that much; else a quarter of what it has. */
const RESERVE = 30_000;

/** How often the ledger is asked whether somebody wants it back. */
const HEED_EVERY = 2_000;

/** Asked between two parts of the work: false when the time is needed for the end. Throws `RollbackAsked` as soon as somebody has. */
export function mayGoOn({ timeLeft, ledger, promotion }: StepContext): () => Promise<boolean> {
  const reserve = Math.min(RESERVE, timeLeft() / 4);
  let heeded = performance.now();
  return async () => {
    if (performance.now() - heeded > HEED_EVERY) {
      heeded = performance.now();
      const { asked, askedBy } = await readPromotion(ledger, promotion.id);
      if (asked === "roll-back") throw new RehearsalError("RollbackAsked", { by: askedBy ?? "somebody" });
    }
    return timeLeft() > reserve;
  };
}

/** Slices before their pace says anything of the rest. */
const SLICES_TO_JUDGE = 5;

/** A rehearsal cannot stop and go on, for its copy is one attempt's: throws `BatchTooLong` once its pace tells that it will not fit. */
export function refuseTooLong(
  { timeLeft }: Pick<StepContext, "timeLeft">,
  item: RunItem,
  standing: BatchStanding,
): void {
  if (standing.slices < SLICES_TO_JUDGE) return;
  const rest = secondsLeft(standing, { pause: 0 }) ?? 0;
  // The proof of idempotence goes over all of it once more.
  const again = item.idempotent ? rest + standing.milliseconds / 1_000 : 0;
  const left = timeLeft() / 1_000;
  if (rest + again > left * 0.9)
    throw new RehearsalError("BatchTooLong", {
      path: item.path,
      seconds: Math.round(rest + again),
      left: Math.round(left),
    });
}
