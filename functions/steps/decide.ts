/** Decide: the evidence is closed under one digest, and either the policy or a person says go, for that digest only. */
import { askApproval } from "../../io/ledger/approvals.ts";
import { stepFunctions } from "../clients.ts";
import { evidenceOf } from "../evidence.ts";
import { step } from "../step.ts";

export const handler = step(
  "decide",
  async ({ promotion, input }) => {
    const { token } = input;
    if (token === undefined) throw new Error("decide was invoked without a task token");
    const plans = promotion.facts.plans ?? [];
    const evidence = evidenceOf(promotion);
    const notes = plans.map(({ path, why, notes }) => ({ path, why, notes }));
    const events = notes.length > 0 ? [{ type: "promotion.planned", data: { plans: notes } }] : [];
    // What is announced has to be small; the log has every word.
    const announced = plans.length > 0 && { plans: plans.map(({ path }) => path) };
    const { decision, approvalTimeout } = promotion.policy;
    if (decision === "automatic")
      return {
        outcome: { decision, evidence },
        evidence,
        events,
        afterwards: () => stepFunctions.sendTaskSuccess(token, { decision, by: "policy" }),
      };
    return {
      outcome: { decision, evidence },
      evidence,
      status: "waiting",
      events: [
        ...events,
        { type: "promotion.approval-wanted", announce: true, data: { evidence, ...announced } },
      ],
      also: (ledger) =>
        askApproval(ledger, {
          promotion: promotion.id,
          evidence,
          taskToken: token,
          seconds: approvalTimeout,
        }),
    };
  },
  // A retried state comes with a new token, which must be the one that is answered.
  { everyTime: true },
);
