/** `rehearsal approve`: says go, for exactly the evidence that stands. */
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { detail, promotion } from "../answers.ts";
import type { Declare } from "../command.ts";
import { describePlans } from "../data-plan-text.ts";
import { follow } from "../follow.ts";
import { short } from "../text.ts";

interface Options {
  evidence?: string;
  comment?: string;
  watch?: boolean;
}

export const approveCommand: Declare = (act) =>
  new Command("approve")
    .description("Approve a promotion, for the evidence that stands now")
    .argument("<promotion>")
    .option(
      "--evidence <digest>",
      "only when this is what stands: the digest that status shows, or its beginning",
    )
    .option("--comment <text>", "for whoever reads the log")
    .option("--watch", "follow it to its end")
    .action(
      act(async (context, id: string, { evidence, comment, watch }: Options) => {
        const client = await context.client();
        const path = `/promotions/${encodeURIComponent(id)}`;
        const found = await client.get(path, detail);
        const stands = found.evidence ?? "";
        if (evidence !== undefined && (evidence === "" || !stands.startsWith(evidence)))
          throw new RehearsalError("EvidenceChanged", { named: evidence, asked: stands || "nothing yet" });
        if (found.plans.length > 0) context.terminal.err(describePlans(found.plans));
        // What was looked at is named, so that something newer is not approved by accident.
        const body = { ...(stands && { evidence: stands }), comment };
        const approved = await client.post(`${path}/approve`, body, promotion);
        if (watch) return follow(context, id);
        return { value: approved, text: `${id}: approved, for evidence ${short(stands)}` };
      }),
    );
