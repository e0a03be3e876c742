/** `rehearsal watch`: follows a promotion or a task to its end. */
import { Command } from "commander";
import type { Declare } from "../command.ts";
import { follow } from "../follow.ts";
import { followTask, outcomeOf } from "../follow-task.ts";

export const watchCommand: Declare = (act) =>
  new Command("watch")
    .description("Follow a promotion or a task to its end, and exit as it ended")
    .argument("<id>", "a promotion's, or a task's")
    .action(
      act(async (context, id: string, _: object) =>
        /^t\d/.test(id) ? outcomeOf(await followTask(context, id)) : follow(context, id),
      ),
    );
