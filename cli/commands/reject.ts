/** `rehearsal reject`: says no; production was not touched. */
import { Command } from "commander";
import { promotion } from "../answers.ts";
import type { Declare } from "../command.ts";

export const rejectCommand: Declare = (act) =>
  new Command("reject")
    .description("Reject a promotion that waits for an approval")
    .argument("<promotion>")
    .option("--comment <text>", "what should be mended")
    .action(
      act(async (context, id: string, { comment }: { comment?: string }) => {
        const client = await context.client();
        const path = `/promotions/${encodeURIComponent(id)}/reject`;
        const rejected = await client.post(path, { comment }, promotion);
        return { value: rejected, text: `${id}: rejected` };
      }),
    );
