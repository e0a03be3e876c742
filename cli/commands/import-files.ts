/** `rehearsal import files` and `report`: records of a folder become rows and objects, and what could not is told. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { task } from "../answers.ts";
import type { Act, Context } from "../command.ts";
import { refuseTaken } from "../fetched-files.ts";
import { describeFilesImport, describeLine, type ReportLine, reportLine } from "../files-import-text.ts";
import { followUnless } from "../follow-task.ts";
import { importSource } from "../import-upload.ts";
import { eachTaskFile } from "../task-files.ts";
import { plain } from "../text.ts";
import { startTask } from "./backup-tasks.ts";

interface Options {
  environment: string;
  import: string;
  confirm?: string;
  dryRun?: boolean;
  upload?: boolean;
  watch: boolean;
  idempotencyKey?: string;
}

export const importFilesCommand = (act: Act) =>
  new Command("files")
    .description("Import records of files by a mapping; what is there already is left as it is")
    .argument("<source>", "a folder, or intake/NAME of the environment's storage")
    .requiredOption("--import <name>", "the mapping, imports/NAME.yaml of the release that runs")
    .requiredOption("--environment <environment>", "whose database it goes into")
    .option("--confirm <environment>", "its name once more, to write into one with the role prod")
    .option("--dry-run", "try everything, and let nothing stay")
    .option("--upload", "upload the folder though the service runs on this machine")
    .option("--no-watch", "do not follow it to its end")
    .option("--idempotency-key <key>", "the same key starts the same task once; made up when left out")
    .action(
      act(async (context, source: string, options: Options) => {
        const { environment, import: name, confirm, dryRun = false, idempotencyKey } = options;
        const from = await importSource(context, source, options);
        const body = { source: from, import: name, dryRun, ...(confirm !== undefined && { confirm }) };
        const path = `/environments/${encodeURIComponent(environment)}/file-imports`;
        const started = await startTask(context, path, body, idempotencyKey);
        return followUnless(
          context,
          started,
          options.watch,
          `import of ${plain(source)} into ${environment}`,
        );
      }),
    );

interface ReportOptions {
  limit: string;
  out?: string;
}

export const importReportCommand = (act: Act) =>
  new Command("report")
    .description("What an import of files refused, where its documents disagree, and what it did not read")
    .argument("<task>")
    .option("--limit <count>", "how many lines of it", "100")
    .option("--out <file>", "write all of it there, a line of JSON each")
    .action(
      act(async (context, id: string, { limit, out }: ReportOptions) => {
        const client = await context.client();
        const { outcome, error } = await client.get(`/tasks/${encodeURIComponent(id)}`, task);
        if (out !== undefined) return writeAll(context, id, resolve(context.folder, out));
        const lines: ReportLine[] = [];
        const wanted = Math.max(1, Number(limit) || 1);
        let more = false;
        for await (const line of linesOf(context, id)) {
          more = lines.length === wanted;
          if (more) break;
          lines.push(reportLine.parse(JSON.parse(line)));
        }
        const text = [
          ...(error === null ? [describeFilesImport(id, outcome)] : []),
          ...lines.map(describeLine),
          ...(more ? [`there is more; all of it: rehearsal import report ${id} --out FILE`] : []),
        ];
        return { value: { task: id, lines, more }, text: text.join("\n\n") };
      }),
    );

async function writeAll(context: Context, id: string, path: string) {
  await refuseTaken(path);
  const file = createWriteStream(path, { flags: "wx" });
  let count = 0;
  for await (const line of linesOf(context, id)) {
    count++;
    if (!file.write(`${line}\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "close");
  return { value: { task: id, path, lines: count }, text: `${path}: ${count} lines` };
}

/** One part after the other. */
async function* linesOf(context: Context, id: string): AsyncGenerator<string> {
  for await (const { text } of eachTaskFile(context, id))
    for (const line of text.split("\n")) if (line !== "") yield line;
}
