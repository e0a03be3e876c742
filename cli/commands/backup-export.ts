/** `rehearsal backup export`: a backup as an archive that pg_restore reads, fetched onto this machine. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { EXPORT_FORMATS, type ExportFormat } from "../../core/tasks.ts";
import type { Act } from "../command.ts";
import { fetchFiles, refuseTaken } from "../fetched-files.ts";
import { followTask, outcomeOf } from "../follow-task.ts";
import { bytes } from "../text.ts";
import { startTask } from "./backup-tasks.ts";

interface Options {
  format: ExportFormat;
  out: string;
}

export const exportCommand = (act: Act) =>
  new Command("export")
    .description("Write a backup as an archive of pg_dump: what pg_restore of the same major reads")
    .argument("<backup>")
    .addOption(
      new Option("--format <format>", "custom is one file, directory a folder of them")
        .choices([...EXPORT_FORMATS])
        .default("custom"),
    )
    .requiredOption("--out <path>", "the file, or the folder; what is there is never written over")
    .action(
      act(async (context, id: string, { format, out }: Options) => {
        const path = resolve(context.folder, out);
        await refuseTaken(path);
        const started = await startTask(context, `/backups/${encodeURIComponent(id)}/export`, { format });
        context.terminal.err(`${started.id}: export ${id}`);
        const ended = await followTask(context, started.id);
        if (ended.error !== null) return outcomeOf(ended);
        const got = await fetchFiles(context, ended.id, path, format === "directory" ? "folder" : "file");
        return {
          value: { task: ended.id, backup: id, format, path, ...got },
          text: `${path}: ${got.files === 1 ? "1 file" : `${got.files} files`}, ${bytes(got.bytes)}\nread it with: pg_restore --list ${path}`,
        };
      }),
    );
