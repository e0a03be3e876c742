/** `rehearsal import`: what was kept elsewhere comes into an environment's database, by a mapping of its release. */
import { Command } from "commander";
import type { Declare } from "../command.ts";
import { importFilesCommand, importReportCommand } from "./import-files.ts";
import { importSqliteCommand } from "./import-sqlite.ts";

export const importCommand: Declare = (act) =>
  new Command("import")
    .description(
      "Imports: what was kept elsewhere comes into an environment's database, by a mapping of its release",
    )
    .addCommand(importFilesCommand(act))
    .addCommand(importSqliteCommand(act))
    .addCommand(importReportCommand(act));
