/** `rehearsal adopt`: takes over a database that another tool has migrated, once a replay has proved what its history says. */
import { Command, Option } from "commander";
import { HISTORY_TOOLS } from "../../core/formats/history-tools.ts";
import type { Declare } from "../command.ts";
import { followUnless } from "../follow-task.ts";
import { startTask } from "./backup-tasks.ts";
import { chooseRelease } from "./project.ts";

interface AdoptOptions {
  tool?: string;
  baseline?: string;
  watch: boolean;
  idempotencyKey?: string;
}

export const adoptCommand: Declare = (act) =>
  new Command("adopt")
    .description("Take over a database that another tool has migrated; a replay proves what its history says")
    .argument("<environment>")
    .argument("[release]", "a hash or its beginning; this folder's project when left out")
    .addOption(
      new Option("--tool <name>", "whose history is read; the project's format when left out")
        .choices([...HISTORY_TOOLS])
        .conflicts("baseline"),
    )
    .option("--baseline <version>", "the last migration that is there, where no history says it")
    .option("--no-watch", "do not follow it to its end")
    .option("--idempotency-key <key>", "the same key starts the same task once; made up when left out")
    .action(
      act(async (context, name: string, named: string | undefined, options: AdoptOptions) => {
        const { tool, baseline, watch, idempotencyKey } = options;
        const release = await chooseRelease(context, named);
        const path = `/environments/${encodeURIComponent(name)}/adoptions`;
        const started = await startTask(context, path, { release, tool, baseline }, idempotencyKey);
        return followUnless(context, started, watch);
      }),
    );
