/** `rehearsal promote`: starts a promotion, once, however often the request has to be sent. */
import { randomUUID } from "node:crypto";
import { Command } from "commander";
import { promotion } from "../answers.ts";
import type { Declare } from "../command.ts";
import { follow } from "../follow.ts";
import { short } from "../text.ts";
import { chooseRelease } from "./project.ts";

interface Options {
  watch?: boolean;
  seed?: boolean;
  rehearseOnly?: boolean;
  idempotencyKey?: string;
}

export const promoteCommand: Declare = (act) =>
  new Command("promote")
    .description("Promote an environment to a release")
    .argument("<environment>")
    .argument("[release]", "a hash or its beginning; this folder's project when left out")
    .option("--watch", "follow it to its end")
    .option(
      "--rehearse-only",
      "end behind the rehearsal: production is not touched, and what was found is kept",
    )
    .option("--seed", "with the seeds; never on an environment whose role is prod")
    .option("--idempotency-key <key>", "the same key starts the same promotion once; made up when left out")
    .action(
      act(async (context, name: string, named: string | undefined, options: Options) => {
        const release = await chooseRelease(context, named);
        const client = await context.client();
        const begun = await client.post(
          "/promotions",
          {
            environment: name,
            release,
            seed: options.seed === true,
            rehearseOnly: options.rehearseOnly === true,
          },
          promotion,
          { "idempotency-key": options.idempotencyKey ?? randomUUID() },
        );
        const title = `${begun.id}: "${begun.environment}" to release ${short(begun.release)}${begun.rehearseOnly ? ", rehearsed only" : ""}`;
        if (!options.watch)
          return { value: begun, text: `${title}\nfollow it with: rehearsal watch ${begun.id}` };
        // Where it is drawn, this stands above the drawing.
        if (!context.terminal.watched) context.terminal.err(title);
        return follow(context, begun.id);
      }),
    );
