/** The program: every command's words, options and help, bound to what runs them. */
import { Command } from "commander";
import { VERSION } from "../core/version.ts";
import type { Act, Declare } from "./command.ts";
import { adoptCommand } from "./commands/adopt.ts";
import { approveCommand } from "./commands/approve.ts";
import { backupCommand } from "./commands/backup.ts";
import { baselineCommand } from "./commands/baseline.ts";
import { cancelCommand } from "./commands/cancel.ts";
import { ciCommand } from "./commands/ci.ts";
import { completionCommand } from "./commands/completion.ts";
import { destinationCommand } from "./commands/destination.ts";
import { devCommand } from "./commands/dev.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { diffCommand, driftCommand } from "./commands/drift.ts";
import { envCommand } from "./commands/env.ts";
import { feedCommand } from "./commands/feed.ts";
import { importCommand } from "./commands/import.ts";
import { inventoryCommand } from "./commands/inventory.ts";
import { issuerCommand } from "./commands/issuer.ts";
import { keyCommand } from "./commands/key.ts";
import { ledgerCommand } from "./commands/ledger.ts";
import { lintCommand } from "./commands/lint.ts";
import { logCommand } from "./commands/log.ts";
import { openCommand } from "./commands/open.ts";
import { personCommand } from "./commands/person.ts";
import { planCommand } from "./commands/plan.ts";
import { initCommand, newCommand, releaseCommand } from "./commands/project.ts";
import { promoteCommand } from "./commands/promote.ts";
import { pruneCommand } from "./commands/prune.ts";
import { queryCommand } from "./commands/query.ts";
import { rejectCommand } from "./commands/reject.ts";
import { reportCommand } from "./commands/report.ts";
import { reportingCommand } from "./commands/reporting.ts";
import { rollbackCommand } from "./commands/rollback.ts";
import { schemaCommand } from "./commands/schema.ts";
import { squashCommand } from "./commands/squash.ts";
import { statusCommand } from "./commands/status.ts";
import { storeCommand } from "./commands/store.ts";
import { watchCommand } from "./commands/watch.ts";
import { whoamiCommand } from "./commands/whoami.ts";

/** In the order of the work. */
const COMMANDS: Declare[] = [
  devCommand,
  initCommand,
  newCommand,
  lintCommand,
  releaseCommand,
  envCommand,
  issuerCommand,
  destinationCommand,
  adoptCommand,
  inventoryCommand,
  schemaCommand,
  squashCommand,
  feedCommand,
  importCommand,
  storeCommand,
  driftCommand,
  diffCommand,
  planCommand,
  promoteCommand,
  statusCommand,
  watchCommand,
  openCommand,
  approveCommand,
  rejectCommand,
  cancelCommand,
  rollbackCommand,
  reportCommand,
  queryCommand,
  reportingCommand,
  backupCommand,
  baselineCommand,
  pruneCommand,
  logCommand,
  ledgerCommand,
  doctorCommand,
  whoamiCommand,
  keyCommand,
  personCommand,
  ciCommand,
  completionCommand,
];

/** Commands that do something themselves though others stand below them. */
const ACTS_ITSELF = new Set(["log", "plan"]);

export const EXITS: readonly (readonly [code: number, meaning: string])[] = [
  [0, "done: promoted, rehearsed alone, or nothing to do"],
  [1, "failed, and production is as it was"],
  [2, "the command was used wrongly"],
  [3, "drift or another difference was found; of plan: something is pending"],
  [4, "an approval is needed, or was not given in time"],
  [5, "the environment is locked by another promotion"],
  [6, "an operator is needed: a promotion is held, or the log is broken"],
];

export const VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ["REHEARSAL_URL", "the service's address; else .rehearsal/connection.json, here or in a folder above"],
  ["REHEARSAL_KEY", "your key"],
  [
    "REHEARSAL_TOKEN",
    "a token of a registered issuer, in place of a key; GitHub Actions gives jobs their own",
  ],
  ["REHEARSAL_AUDIENCE", "for whom GitHub Actions makes out tokens; the service's address when left out"],
  ["REHEARSAL_DATABASE_URL", "the database's URL for env add"],
  ["REHEARSAL_COPIES_URL", "the URL of the login for copies, for env add and env copies"],
  ["NO_COLOR", "set to anything: no colours"],
];

/** Builds the program. `silent` keeps what the parser itself would print from being printed. */
export function buildProgram(act: Act, write: { out(text: string): void }): Command {
  const program = new Command("rehearsal")
    .description("Promotes a Postgres database to a release, after a rehearsal on a restored copy of it.")
    .version(VERSION, "--version", "tell the version")
    .helpCommand(false)
    .addHelpText("after", () => `\n${afterHelp()}`);
  for (const declare of COMMANDS) program.addCommand(declare(act));
  for (const command of everyCommand(program)) {
    command.exitOverride().configureOutput({ writeOut: write.out, writeErr: () => undefined });
    if (command.commands.length === 0 || ACTS_ITSELF.has(command.name()))
      command.option("--json", "one JSON document on standard output, refusals too");
  }
  return program;
}

/** A command and all below it. */
export function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap((below) => everyCommand(below))];
}

function afterHelp(): string {
  const lines = (pairs: typeof EXITS | typeof VARIABLES) => {
    const width = Math.max(...pairs.map(([name]) => String(name).length));
    return pairs.map(([name, meaning]) => `  ${String(name).padEnd(width)}  ${meaning}`);
  };
  return ["Exit codes:", ...lines(EXITS), "", "Environment:", ...lines(VARIABLES)].join("\n");
}
