/** `rehearsal plan`: what a promotion would run, with classes and locks, without starting it. */

import { Command } from "commander";
import { count } from "../../core/counts.ts";
import { RehearsalError } from "../../core/errors.ts";
import { whyAllowed } from "../../core/lint/planned.ts";
import { noteLines } from "../../core/report-notes.ts";
import { type Plan, plan } from "../answers.ts";
import type { Declare } from "../command.ts";
import { describePlans } from "../data-plan-text.ts";
import { columns, plain, short } from "../text.ts";
import { type Drafted, draft, draftAll } from "./plan-draft.ts";
import { chooseRelease } from "./project.ts";

export const planCommand: Declare = (act) =>
  new Command("plan")
    .description("Tell what a promotion would run; exit code 3 when something is pending")
    .argument("<environment>")
    .argument("[release]", "a hash or its beginning; this folder's project when left out")
    .option("--seed", "with the seeds")
    .action(
      act(async (context, name: string, named: string | undefined, options: { seed?: boolean }) => {
        const release = await chooseRelease(context, named);
        const client = await context.client();
        const body = { environment: name, release, seed: options.seed === true };
        const found = await client.post("/plans", body, plan);
        return { value: found, text: described(found), exit: found.runs.length > 0 ? 3 : 0 };
      }),
    )
    .addCommand(draftCommand(act));

const draftCommand: Declare = (act) =>
  new Command("draft")
    .description("Write the data plan of a migration that is not additive, as far as it follows from the SQL")
    .argument("[migration]", "its number; the newest that needs a plan and has none when left out")
    .option("--all", "of every migration that needs a plan and has none, also of those applied long ago")
    .action(
      act(async ({ folder }, migration: string | undefined, { all }: { all?: boolean }) => {
        if (all === true && migration !== undefined)
          throw new RehearsalError("UsageInvalid", {
            problem: "--all drafts every missing plan; name no migration, or leave --all out",
            command: "rehearsal plan draft",
            guess: "",
          });
        const drafted = all === true ? await draftAll(folder) : [await draft(folder, migration)];
        return {
          value: all === true ? { drafted } : drafted[0],
          text: `${drafted.map(draftText).join("\n")}\nnext: fill in what is marked TODO, then rehearsal release --check`,
        };
      }),
    );

function draftText({ path, migration, statements }: Drafted): string {
  const told = statements.map(({ line, summary }) => [`  line ${line}`, summary]);
  return `${plain(path)}, for ${plain(migration)}:\n${columns(told)}`;
}

function described({
  environment,
  release,
  plans,
  notes,
  runs,
  fence,
  rollback,
  backup,
  findings,
}: Plan): string {
  const title = `release ${short(release)} on "${environment}"`;
  if (runs.length === 0) return `${title}: nothing is pending`;
  return [
    `${title}: ${count(runs.flatMap((run) => run.files).length, "file")} pending; ${
      fence ? "writers are stopped while it runs" : "writers go on while it runs"
    }`,
    `a rollback after COMMIT ${wayBack(rollback)}`,
    ...(backup.outlasts ? [longBackup(backup)] : []),
    ...(plans.length > 0 ? ["", describePlans(plans)] : []),
    ...(notes.length > 0 ? ["", "notes on changes:", indent(plain(noteLines(notes).join("\n")))] : []),
    ...runs.flatMap(({ transactional, sliced, files }) => [
      "",
      transactional ? "in one transaction:" : sliced ? "in slices:" : "outside a transaction:",
      ...files.flatMap(({ path, statements }) => [`  ${plain(path)}`, indent(statementTable(statements))]),
    ]),
    ...(findings.length > 0 ? ["", "the safety analysis found:", indent(findingTable(findings))] : []),
  ].join("\n");
}

function wayBack({ by, seconds }: Plan["rollback"]): string {
  if (by === "swap") return "swaps in a copy that waits beside production: about a second";
  return `restores a copy from the bucket: ${
    seconds === null ? "how long that takes is not known yet" : `the last one took ${seconds.toFixed(0)} s`
  }`;
}

function longBackup({ seconds, functions }: Plan["backup"]): string {
  return `the last backup took ${(seconds ?? 0).toFixed(0)} s by ${count(functions, "function")}, and a function lives 900 s: raise backup.functions, or set compute: fargate in the policy`;
}

type Statements = Plan["runs"][number]["files"][number]["statements"];

function statementTable(statements: Statements): string {
  return columns(
    statements.map((statement) => [
      String(statement.line),
      statement.class,
      statement.summary,
      statement.unplanned ? "needs a data plan" : statement.plan === null ? "" : plain(statement.plan),
      statement.locks.map(({ mode, relation }) => `${mode} on ${relation}`).join(", "),
    ]),
  );
}

/** What is to be weighed; of the mere habits only how many there are. */
function findingTable(findings: Plan["findings"]): string {
  const weighty = findings.filter(
    ({ severity, blocks, suppressed }) =>
      severity === "error" || blocks !== "nothing" || suppressed !== undefined,
  );
  const others = findings.length - weighty.length;
  const table = columns(
    weighty.map(({ path, line, rule, severity, message, suppressed }) => [
      suppressed === undefined ? severity : "allowed",
      `${path}:${line}`,
      rule,
      suppressed === undefined ? message : whyAllowed(suppressed),
    ]),
  );
  const rest =
    others > 0 ? `${count(others, "warning")}${weighty.length > 0 ? " more" : ""}: see "rehearsal lint"` : "";
  return [table, rest].filter((text) => text !== "").join("\n");
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
