/** `rehearsal backup`: what there is, and how long it stays. */
import { Command } from "commander";
import { backup, backupDetail, backups, tasks } from "../answers.ts";
import { backupTable, describeBackup, describeLastVerified, taskTable } from "../backup-text.ts";
import type { Act, Declare } from "../command.ts";
import { moreBehind } from "../paging.ts";
import { when } from "../text.ts";
import { exportCommand } from "./backup-export.ts";
import { createCommand, expireCommand, restoreCommand, verifyCommand } from "./backup-tasks.ts";

export const backupCommand: Declare = (act) =>
  new Command("backup")
    .description("Backups: taken, proved, restored, exported, kept and expired")
    .addCommand(createCommand(act))
    .addCommand(listCommand(act))
    .addCommand(showCommand(act))
    .addCommand(verifyCommand(act))
    .addCommand(restoreCommand(act))
    .addCommand(exportCommand(act))
    .addCommand(holdCommand(act))
    .addCommand(unholdCommand(act))
    .addCommand(expireCommand(act))
    .addCommand(tasksCommand(act));

interface ListOptions {
  limit: string;
  cursor?: string;
}

const listCommand = (act: Act) =>
  new Command("list")
    .description("The newest backups, and the age of the newest verified one")
    .argument("[environment]", "all of them when left out")
    .option("--limit <count>", "how many", "20")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, environment: string | undefined, { limit, cursor }: ListOptions) => {
        const query = new URLSearchParams({
          limit,
          ...(environment !== undefined && { environment }),
          ...(cursor !== undefined && { cursor }),
        });
        const client = await context.client();
        const found = await client.get(`/backups?${query}`, backups);
        const none =
          environment === undefined
            ? "no backup yet"
            : `"${environment}" has no backup yet; take one with: rehearsal backup create ${environment}`;
        const table = found.backups.length === 0 ? none : backupTable(found.backups);
        const newest =
          environment === undefined
            ? []
            : ["", `newest verified: ${describeLastVerified(found.lastVerified)}`];
        return { value: found, text: [table + moreBehind(found.next), ...newest].join("\n") };
      }),
    );

const showCommand = (act: Act) =>
  new Command("show")
    .description("One backup, with what its manifest says")
    .argument("<backup>")
    .action(
      act(async (context, id: string, _: object) => {
        const client = await context.client();
        const found = await client.get(`/backups/${encodeURIComponent(id)}`, backupDetail);
        return { value: found, text: describeBackup(found) };
      }),
    );

const tasksCommand = (act: Act) =>
  new Command("tasks")
    .description("The newest tasks: what was started, and how it ended")
    .argument("[environment]", "of all when left out")
    .option("--limit <count>", "how many", "20")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, environment: string | undefined, { limit, cursor }: ListOptions) => {
        const query = new URLSearchParams({
          limit,
          ...(environment !== undefined && { environment }),
          ...(cursor !== undefined && { cursor }),
        });
        const client = await context.client();
        const found = await client.get(`/tasks?${query}`, tasks);
        const table = found.tasks.length === 0 ? "no task yet" : taskTable(found.tasks);
        return { value: found, text: table + moreBehind(found.next) };
      }),
    );

const holdCommand = (act: Act) =>
  new Command("hold")
    .description("Keep a backup whatever its date")
    .argument("<backup>")
    .requiredOption("--reason <text>", "for whoever would let it go")
    .action(
      act(async (context, id: string, { reason }: { reason: string }) => {
        const client = await context.client();
        const held = await client.post(`/backups/${encodeURIComponent(id)}/hold`, { reason }, backup);
        return { value: held, text: `${held.id}: held; let it go with: rehearsal backup unhold ${held.id}` };
      }),
    );

const unholdCommand = (act: Act) =>
  new Command("unhold")
    .description("Let a held backup expire when its date has come")
    .argument("<backup>")
    .action(
      act(async (context, id: string, _: object) => {
        const client = await context.client();
        const found = await client.post(`/backups/${encodeURIComponent(id)}/unhold`, {}, backup);
        return { value: found, text: `${found.id}: kept until ${when(found.retainUntil)}` };
      }),
    );
