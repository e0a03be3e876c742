/** `rehearsal cancel`: ends a promotion that has not touched production yet. */
import { Command } from "commander";
import { promotion } from "../answers.ts";
import type { Declare } from "../command.ts";

export const cancelCommand: Declare = (act) =>
  new Command("cancel")
    .description("Cancel a promotion, as long as production cannot have been touched")
    .argument("<promotion>")
    .action(
      act(async (context, id: string, _: object) => {
        const client = await context.client();
        const asked = await client.post(`/promotions/${encodeURIComponent(id)}/cancel`, {}, promotion);
        return {
          value: asked,
          text: `${id}: the next step ends it\nfollow it with: rehearsal watch ${id}`,
        };
      }),
    );
