/** `rehearsal watch`: follows a promotion to its end. */
import { Command } from "commander";
import type { Declare } from "../command.ts";
import { follow } from "../follow.ts";

export const watchCommand: Declare = (act) =>
  new Command("watch")
    .description("Follow a promotion to its end, and exit as it ended")
    .argument("<promotion>")
    .action(act((context, id: string, _: object) => follow(context, id)));
