/** `rehearsal reporting`: reports exported and fetched, and documents made anew from the payload that is current. */
import { resolve } from "node:path";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { task, tasks } from "../answers.ts";
import { taskTable } from "../backup-text.ts";
import type { Act, Declare } from "../command.ts";
import { fetchFiles, refuseTaken } from "../fetched-files.ts";
import { followTask, followUnless, outcomeOf } from "../follow-task.ts";
import { moreBehind } from "../paging.ts";
import { reports } from "../reporting-answers.ts";
import { reportTable } from "../reporting-text.ts";
import { bytes } from "../text.ts";
import { startTask } from "./backup-tasks.ts";

export const reportingCommand: Declare = (act) =>
  new Command("reporting")
    .description("Reports of a release exported, and documents made anew from the current payload")
    .addCommand(listCommand(act))
    .addCommand(runCommand(act))
    .addCommand(runsCommand(act))
    .addCommand(showCommand(act))
    .addCommand(downloadCommand(act))
    .addCommand(regenerateCommand(act));

interface Page {
  limit: string;
  cursor?: string;
}

const pageQuery = ({ limit, cursor }: Page) => ({ limit, ...(cursor !== undefined && { cursor }) });

const listCommand = (act: Act) =>
  new Command("list")
    .description("The reports and documents of the release that an environment runs")
    .argument("<environment>")
    .option("--limit <count>", "how many", "50")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, name: string, options: Page) => {
        const client = await context.client();
        const query = new URLSearchParams(pageQuery(options));
        const found = await client.get(`/environments/${encodeURIComponent(name)}/reports?${query}`, reports);
        const none = `what "${name}" runs has no report; docs/reporting.md tells how one is written`;
        const text = found.reports.length === 0 ? none : reportTable(found.reports);
        return { value: found, text: text + moreBehind(found.next) };
      }),
    );

interface RunOptions {
  environment: string;
  watch: boolean;
}

const runCommand = (act: Act) =>
  new Command("run")
    .description("Export a report in all of its formats, out of one snapshot")
    .argument("<report>")
    .requiredOption("--environment <environment>", "whose database is read")
    .option("--no-watch", "do not wait for its end")
    .action(
      act(async (context, report: string, { environment, watch }: RunOptions) => {
        const path = `/environments/${encodeURIComponent(environment)}/reports/${encodeURIComponent(report)}/runs`;
        return followUnless(context, await startTask(context, path, {}), watch);
      }),
    );

const runsCommand = (act: Act) =>
  new Command("runs")
    .description("The newest runs of reports")
    .argument("[environment]", "of all when left out")
    .option("--limit <count>", "how many", "20")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, environment: string | undefined, options: Page) => {
        const query = new URLSearchParams({
          ...{ kind: "report", ...pageQuery(options) },
          ...(environment !== undefined && { environment }),
        });
        const client = await context.client();
        const found = await client.get(`/tasks?${query}`, tasks);
        const text = found.tasks.length === 0 ? "no report was run yet" : taskTable(found.tasks);
        return { value: found, text: text + moreBehind(found.next) };
      }),
    );

const showCommand = (act: Act) =>
  new Command("show")
    .description("What came of a run")
    .argument("<task>")
    .action(
      act(async (context, id: string) => {
        const client = await context.client();
        const found = await client.get(`/tasks/${encodeURIComponent(id)}`, task);
        if (found.status === "succeeded" || found.status === "failed") return outcomeOf(found);
        return { value: found, text: `${id}: ${found.kind}, ${found.status}` };
      }),
    );

const downloadCommand = (act: Act) =>
  new Command("download")
    .description("Fetch a run's files, each held against its checksum")
    .argument("<task>")
    .requiredOption("--out <folder>", "the folder to make; what is there is never written over")
    .action(
      act(async (context, id: string, { out }: { out: string }) => {
        const path = resolve(context.folder, out);
        await refuseTaken(path);
        const got = await fetchFiles(context, id, path, "folder");
        return {
          value: { task: id, path, ...got },
          text: `${path}: ${got.files} files, ${bytes(got.bytes)}`,
        };
      }),
    );

interface RegenerateOptions extends RunOptions {
  record?: string[];
  stale?: true;
}

const regenerateCommand = (act: Act) =>
  new Command("regenerate")
    .description("Make documents anew from the current correction or the final, where they lie")
    .argument("<document>")
    .requiredOption("--environment <environment>", "whose documents")
    .option("--record <key...>", "of these records, by their keys")
    .option("--stale", "of all whose documents are of another payload than the current one")
    .option("--no-watch", "do not wait for its end")
    .action(
      act(async (context, document: string, options: RegenerateOptions) => {
        const { environment, record: records, stale, watch } = options;
        if ((records === undefined) === (stale === undefined))
          throw new RehearsalError("InputInvalid", {
            what: "the command",
            problems: "say either --record KEY… or --stale",
          });
        const path = `/environments/${encodeURIComponent(environment)}/documents/${encodeURIComponent(document)}/runs`;
        const started = await startTask(context, path, records === undefined ? {} : { records });
        if (!watch) return followUnless(context, started, false);
        context.terminal.err(`${started.id}: regenerate ${document}`);
        const ended = await followTask(context, started.id);
        const { refused = 0 } = (ended.outcome ?? {}) as { refused?: number };
        const outcome = outcomeOf(ended);
        return refused > 0 ? { ...outcome, exit: 1 } : outcome;
      }),
    );
