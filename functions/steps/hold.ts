/** Hold: it can neither go on nor back by itself; the fence stays, nothing is deleted, and the mend is told. */

import { step } from "../step.ts";
import { reasonOf } from "./refuse.ts";

export const handler = step(
  "hold",
  async (context) => {
    const { promotion } = context;
    const reason = await reasonOf(context);
    const mend = `${reason.hint}; then run: rehearsal rollback ${promotion.id} --confirm ${promotion.environment}`;
    return {
      outcome: { ended: "held", code: reason.code, message: reason.message, mend },
      status: "held",
      error: reason,
      // A rollback that is asked for takes it out of this state: where it still stands in it, this was told before.
      events:
        promotion.status === "held"
          ? []
          : [
              {
                type: "promotion.held",
                announce: true,
                data: { code: reason.code, message: reason.message, mend },
              },
            ],
    };
  },
  { everyTime: true },
);
