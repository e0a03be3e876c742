/** `rehearsal baseline`: what a database holds, as a file, and what has changed between two such files. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { compareBaselines, describeBaselineDifference, totalRows } from "../../core/baseline.ts";
import { type BaselineFile, parseBaselineFile } from "../../core/baseline-file.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Act, Context, Declare } from "../command.ts";
import { followTask, outcomeOf } from "../follow-task.ts";
import { writeNew } from "../new-file.ts";
import { fetchTaskFiles } from "../task-files.ts";
import { plain, rows, when } from "../text.ts";
import { startTask } from "./backup-tasks.ts";

export const baselineCommand: Declare = (act) =>
  new Command("baseline")
    .description("Baselines: counts and checksums of everything a database holds")
    .addCommand(takeCommand(act), { isDefault: true })
    .addCommand(compareCommand(act));

const takeCommand = (act: Act) =>
  new Command("take")
    .description("Count and hash every table of an environment's database, and write it to a file")
    .argument("<environment>")
    .option("--out <path>", "the file; baseline-ENVIRONMENT-TIME.json when left out")
    .action(
      act(async (context, name: string, { out }: { out?: string }) => {
        const started = await startTask(context, `/environments/${encodeURIComponent(name)}/baselines`, {});
        context.terminal.err(`${started.id}: baseline ${name}`);
        const ended = await followTask(context, started.id);
        if (ended.error !== null) return outcomeOf(ended);
        const { text, file } = await fetched(context, ended.id);
        const time = file.takenAt.replaceAll(/[:.]/g, "-");
        const path = resolve(context.folder, out ?? `baseline-${file.environment}-${time}.json`);
        await writeNew(path, text);
        const tables = Object.keys(file.baseline.tables).length;
        return {
          value: { task: ended.id, path, takenAt: file.takenAt, tables, rows: totalRows(file.baseline) },
          text: `${path}: ${tables} tables, ${rows(totalRows(file.baseline))}, at ${when(file.takenAt)}\ncompare it with: rehearsal baseline compare ${path} OTHER`,
        };
      }),
    );

const compareCommand = (act: Act) =>
  new Command("compare")
    .description("Tell what has changed between two baselines; exit code 3 when something has")
    .argument("<before>", "a file, or the id of the task that took it")
    .argument("<after>")
    .action(
      act(async (context, before: string, after: string, _: object) => {
        const [one, other] = [await readBaseline(context, before), await readBaseline(context, after)];
        const found = compareBaselines(one.baseline, other.baseline).map(describeBaselineDifference);
        const shape =
          one.fingerprint === other.fingerprint ? [] : ["the shape has changed: see rehearsal diff"];
        const differences = [...found, ...shape];
        const told = [one, other].map(({ environment, takenAt, task }) => ({ environment, takenAt, task }));
        const title = `${one.environment} at ${when(one.takenAt)}, ${other.environment} at ${when(other.takenAt)}`;
        return {
          value: { before: told[0], after: told[1], differences },
          text: [
            `${title}: ${differences.length === 0 ? "the same" : `${differences.length} differences`}`,
            ...differences.map((line) => `  ${plain(line)}`),
          ].join("\n"),
          ...(differences.length > 0 && { exit: 3 }),
        };
      }),
    );

async function readBaseline(context: Context, named: string): Promise<BaselineFile> {
  if (/^t[0-9]{6}[0-9a-z]{8}$/.test(named)) return (await fetched(context, named)).file;
  const text = await readFile(resolve(context.folder, named), "utf8").catch((error: Error) => {
    throw new RehearsalError("InputInvalid", { what: named, problems: error.message }, { cause: error });
  });
  return parseBaselineFile(named, text);
}

async function fetched(context: Context, task: string): Promise<{ text: string; file: BaselineFile }> {
  const text = (await fetchTaskFiles(context, task)).get("baseline.json");
  if (text === undefined) throw new RehearsalError("NotFound", { what: "baseline", name: task });
  return { text, file: parseBaselineFile(task, text) };
}
