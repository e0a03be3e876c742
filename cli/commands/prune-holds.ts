/** `rehearsal prune hold`, `release` and `holds`: what may not be pruned, by whose word and why. */
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import type { Act } from "../command.ts";
import { moreBehind } from "../paging.ts";
import { hold, holds } from "../prune-answers.ts";
import { holdTable } from "../prune-text.ts";
import { plain } from "../text.ts";
import { choosePolicy } from "./prune-runs.ts";

interface HoldOptions {
  environment: string;
  policy?: string;
  all?: boolean;
  reason: string;
}

export const holdCommand = (act: Act) =>
  new Command("hold")
    .description("Keep a record from being pruned, whatever its policy says")
    .argument("[record]", "its primary key")
    .requiredOption("--environment <name>", "whose record it is")
    .option("--policy <name>", "the policy whose record it is; needed where there are several")
    .option("--all", "every record of the policy")
    .requiredOption("--reason <text>", "for whoever would let it go")
    .action(
      act(async (context, record: string | undefined, options: HoldOptions) => {
        const { environment, reason, all } = options;
        if ((record === undefined) !== (all === true))
          throw new RehearsalError("UsageInvalid", {
            problem: "say what is held: one RECORD, or --all of the policy",
            command: "rehearsal prune hold",
            guess: "",
          });
        const policy = await choosePolicy(context, environment, options.policy);
        const client = await context.client();
        const path = `/environments/${encodeURIComponent(environment)}/holds`;
        const placed = await client.post(path, { policy, record, reason }, hold);
        const what = placed.record ?? `every record of ${placed.policy}`;
        return {
          value: placed,
          text: plain(
            `${placed.id}: ${what} is held; let it go with: rehearsal prune release ${placed.id} --reason WHY`,
          ),
        };
      }),
    );

export const releaseCommand = (act: Act) =>
  new Command("release")
    .description("Let what was held be pruned again")
    .argument("<hold>")
    .requiredOption("--reason <text>", "why it may go")
    .action(
      act(async (context, id: string, { reason }: { reason: string }) => {
        const client = await context.client();
        const released = await client.post(`/holds/${encodeURIComponent(id)}/release`, { reason }, hold);
        const what = released.record ?? `every record of ${released.policy}`;
        return { value: released, text: plain(`${released.id}: ${what} is held by it no longer`) };
      }),
    );

interface ListOptions {
  policy?: string;
  released?: boolean;
  limit: string;
  cursor?: string;
}

export const holdsCommand = (act: Act) =>
  new Command("holds")
    .description("The newest holds that stand")
    .argument("[environment]", "of all when left out")
    .option("--policy <name>", "only those of one policy")
    .option("--released", "those that were released as well")
    .option("--limit <count>", "how many", "20")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, environment: string | undefined, options: ListOptions) => {
        const { policy, released, limit, cursor } = options;
        const query = new URLSearchParams({
          limit,
          ...(environment !== undefined && { environment }),
          ...(policy !== undefined && { policy }),
          ...(released && { released: "true" }),
          ...(cursor !== undefined && { cursor }),
        });
        const client = await context.client();
        const found = await client.get(`/holds?${query}`, holds);
        const text = found.holds.length === 0 ? "nothing is held" : holdTable(found.holds);
        return { value: found, text: text + moreBehind(found.next) };
      }),
    );
