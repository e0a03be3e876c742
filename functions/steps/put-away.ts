/** Put away: a rehearsal that nothing follows is over. Its copies go, and what it found is closed under one digest and kept. */
import { dropScratch } from "../../io/postgres/databases.ts";
import { evidenceOf } from "../evidence.ts";
import { neededFact } from "../facts.ts";
import { asNewest } from "../older-attempts.ts";
import { step } from "../step.ts";

export const handler = step("put-away", async (context) => {
  const { promotion } = context;
  if (!promotion.rehearseOnly) throw new Error(`${promotion.id} is to be promoted, and needs its copies`);
  const maintenance = await context.openMaintenance();
  try {
    await asNewest(context, () => dropScratch(maintenance, promotion.id, []));
  } finally {
    await maintenance.close();
  }
  if (neededFact(promotion, "pending").length === 0)
    return {
      outcome: { ended: "nothing-to-do" },
      status: "nothing-to-do",
      events: [{ type: "promotion.nothing-to-do" }, { type: "promotion.sealed" }],
    };
  const evidence = evidenceOf(promotion);
  return {
    outcome: { ended: "rehearsed", evidence },
    status: "rehearsed",
    evidence,
    events: [
      { type: "promotion.rehearsed", data: { release: promotion.release, evidence } },
      { type: "promotion.sealed" },
    ],
  };
});
