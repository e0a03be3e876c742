/** `rehearsal import sqlite`: a SQLite database brought over whole, or not at all. */

import { Command } from "commander";
import { number } from "../../core/counts.ts";
import type { Act, Context } from "../command.ts";
import { followUnless } from "../follow-task.ts";
import { importSource } from "../import-upload.ts";
import { sqliteReport } from "../sqlite-import-text.ts";
import { fetchTaskFiles } from "../task-files.ts";
import { columns, plain } from "../text.ts";
import { startTask } from "./backup-tasks.ts";

interface Options {
  environment: string;
  import?: string;
  file?: string;
  confirm?: string;
  dryRun?: boolean;
  upload?: boolean;
  watch: boolean;
}

export const importSqliteCommand = (act: Act) =>
  new Command("sqlite")
    .description(
      "Bring a SQLite database over into empty tables: all of it, compared before it is committed, or nothing",
    )
    .argument("<source>", "a file, or intake/NAME of the environment's storage")
    .requiredOption("--environment <environment>", "whose database it goes into")
    .option("--import <name>", "the mapping, imports/NAME.yaml; may be left out where there is one only")
    .option("--file <name>", "which file, where the source holds several")
    .option("--confirm <environment>", "its name once more, to write into one with the role prod")
    .option("--dry-run", "do everything but the commit")
    .option("--upload", "upload the file though the service runs on this machine")
    .option("--no-watch", "do not follow it to its end")
    .action(
      act(async (context, source: string, options: Options) => {
        const { environment, import: name, file, confirm, dryRun = false } = options;
        const body = {
          ...{ source: await importSource(context, source, options), dryRun },
          ...(name !== undefined && { import: name }),
          ...(file !== undefined && { file }),
          ...(confirm !== undefined && { confirm }),
        };
        const path = `/environments/${encodeURIComponent(environment)}/sqlite-imports`;
        const started = await startTask(context, path, body);
        const what = `import of ${plain(source)} into ${environment}`;
        const told = await followUnless(context, started, options.watch, what);
        if (!options.watch || told.value.error !== null) return told;
        return { ...told, text: `${await tableOf(context, started.id)}\n${told.text}` };
      }),
    );

async function tableOf(context: Context, task: string): Promise<string> {
  const text = (await fetchTaskFiles(context, task)).get("report.json") ?? "{}";
  const { tables, left, views } = sqliteReport.parse(JSON.parse(text));
  return [
    columns([
      ["TABLE", "INTO", "ROWS", "CHECKSUM", "STATUS"],
      ...tables.map(({ table, into, sqlite, status, refused }) => [
        ...[plain(table), plain(into), number(sqlite.rows), sqlite.checksum.slice(0, 12)],
        refused > 0 ? `${status}, ${refused} values` : status,
      ]),
    ]),
    ...left.map(({ table, reason }) => `left behind: ${plain(table)} (${plain(reason)})`),
    ...(views.length > 0 ? [`views of the file, which migrations make: ${plain(views.join(", "))}`] : []),
  ].join("\n");
}
