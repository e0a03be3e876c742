/** `rehearsal prune`: what the working material of archived records comes to, tested, told, deleted, brought back, and held. */
import { Command } from "commander";
import type { Act, Declare } from "../command.ts";
import { toldWhole } from "../follow-prune.ts";
import { moreBehind } from "../paging.ts";
import { isOver, policies, prune, prunes } from "../prune-answers.ts";
import { policyTable, pruneTable } from "../prune-text.ts";
import { holdCommand, holdsCommand, releaseCommand } from "./prune-holds.ts";
import { planCommand, restoreCommand, runCommand, sweepCommand, testCommand } from "./prune-runs.ts";

export const pruneCommand: Declare = (act) =>
  new Command("prune")
    .description("Prunes: working material of archived records told, deleted and brought back by a policy")
    .addCommand(policiesCommand(act))
    .addCommand(testCommand(act))
    .addCommand(planCommand(act))
    .addCommand(runCommand(act))
    .addCommand(sweepCommand(act))
    .addCommand(restoreCommand(act))
    .addCommand(listCommand(act))
    .addCommand(showCommand(act))
    .addCommand(holdCommand(act))
    .addCommand(releaseCommand(act))
    .addCommand(holdsCommand(act));

interface ListOptions {
  policy?: string;
  record?: string;
  limit: string;
  cursor?: string;
}

const policiesCommand = (act: Act) =>
  new Command("policies")
    .description("The retention policies of what an environment runs, each with its newest test")
    .argument("<environment>")
    .option("--limit <count>", "how many", "50")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, name: string, { limit, cursor }: ListOptions) => {
        const query = new URLSearchParams({ limit, ...(cursor !== undefined && { cursor }) });
        const client = await context.client();
        const found = await client.get(
          `/environments/${encodeURIComponent(name)}/policies?${query}`,
          policies,
        );
        const none = `what "${name}" runs has no retention policy; docs/pruning.md tells how one is written`;
        const text = found.policies.length === 0 ? none : policyTable(found.policies);
        return { value: found, text: text + moreBehind(found.next) };
      }),
    );

const listCommand = (act: Act) =>
  new Command("list")
    .description("The newest prunes: what was told, deleted and brought back")
    .argument("[environment]", "of all when left out")
    .option("--policy <name>", "only those of one policy")
    .option("--record <key>", "only those that had this record")
    .option("--limit <count>", "how many", "20")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, environment: string | undefined, options: ListOptions) => {
        const { policy, record, limit, cursor } = options;
        const query = new URLSearchParams({
          limit,
          ...(environment !== undefined && { environment }),
          ...(policy !== undefined && { policy }),
          ...(record !== undefined && { record }),
          ...(cursor !== undefined && { cursor }),
        });
        const client = await context.client();
        const found = await client.get(`/prunes?${query}`, prunes);
        const text = found.prunes.length === 0 ? "no prune yet" : pruneTable(found.prunes);
        return { value: found, text: text + moreBehind(found.next) };
      }),
    );

const showCommand = (act: Act) =>
  new Command("show")
    .description("One prune, with what went of each record, what stayed, and why one was left")
    .argument("<prune>")
    .action(
      act(async (context, id: string, _: object) => {
        const client = await context.client();
        const found = await client.get(`/prunes/${encodeURIComponent(id)}`, prune);
        const { value, text } = await toldWhole(context, found);
        const running = isOver(found) ? "" : `\n\nfollow it with: rehearsal watch ${id}`;
        return { value, text: text + running };
      }),
    );
