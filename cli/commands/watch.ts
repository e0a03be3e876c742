/** `rehearsal watch`: follows a promotion, a task or a prune to its end. */
import { Command } from "commander";
import type { Declare } from "../command.ts";
import { follow } from "../follow.ts";
import { followPrune } from "../follow-prune.ts";
import { followTask, outcomeOf } from "../follow-task.ts";

export const watchCommand: Declare = (act) =>
  new Command("watch")
    .description("Follow a promotion, a task or a prune to its end, and exit as it ended")
    .argument("<id>", "a promotion's, a task's or a prune's")
    .action(
      act(async (context, id: string, _: object) => {
        if (/^x\d/.test(id)) return followPrune(context, id);
        return /^t\d/.test(id) ? outcomeOf(await followTask(context, id)) : follow(context, id);
      }),
    );
