/** `rehearsal rollback`: puts production back, while a promotion runs or after it was held. */
import { Command } from "commander";
import { promotion } from "../answers.ts";
import type { Declare } from "../command.ts";
import { follow } from "../follow.ts";

interface Options {
  confirm?: string;
  acceptLoss?: boolean;
  watch?: boolean;
}

export const rollbackCommand: Declare = (act) =>
  new Command("rollback")
    .description("Roll back a promotion that runs or is held")
    .argument("<promotion>")
    .option("--confirm <environment>", "the environment's name once more; needed where its role is prod")
    .option(
      "--accept-loss",
      "of a held one: go back even though later writes stay behind, in the database that is kept",
    )
    .option("--watch", "follow it to its end; exit code 0 when it is rolled back")
    .action(
      act(async (context, id: string, { confirm, acceptLoss, watch }: Options) => {
        const client = await context.client();
        const path = `/promotions/${encodeURIComponent(id)}/rollback`;
        const asked = await client.post(path, { confirm, acceptLoss }, promotion);
        if (watch) return follow(context, id, "rolled-back");
        return {
          value: asked,
          text: `${id}: production goes back\nfollow it with: rehearsal watch ${id}`,
        };
      }),
    );
