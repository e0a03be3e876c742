/** `rehearsal lint`: what of this folder's project would destroy, rewrite or block, without a service. */
import { Command, Option } from "commander";
import { unfinished } from "../../core/data-plan.ts";
import { lint } from "../../core/lint/lint.ts";
import { pathsSince } from "../../core/lint/since.ts";
import { plannedStatements } from "../../core/planned-statements.ts";
import { checkProject, type Project } from "../../core/project.ts";
import type { Declare, Outcome } from "../command.ts";
import { githubText } from "../lint/github.ts";
import { counts, humanText, type Linted } from "../lint/human.ts";
import { sarifLog } from "../lint/sarif.ts";
import { readProjectFiles } from "../project-files.ts";
import type { Terminal } from "../terminal.ts";

interface LintOptions {
  format: "human" | "json" | "sarif" | "github";
  all?: boolean;
  since?: string;
}

export const lintCommand: Declare = (act) =>
  new Command("lint")
    .description("Tell what of this folder's project would destroy, rewrite or block; exit code 1 on errors")
    .addOption(
      new Option("--format <format>", "how it is told")
        .choices(["human", "json", "sarif", "github"])
        .default("human"),
    )
    .option("--all", "every file, as one release to an empty database")
    .addOption(
      new Option(
        "--since <migration>",
        "what comes after this one (its path or version), as one release; else each file by itself",
      ).conflicts("all"),
    )
    .action(
      act(async ({ folder, terminal }, options: LintOptions) => {
        return outcomeOf(await lintFolder(folder, options), options.format, terminal);
      }),
    );

/** What is found in a folder's project: of every file, of all as one release, or of what comes after a migration. */
export async function lintFolder(
  folder: string,
  options: Pick<LintOptions, "all" | "since"> = {},
): Promise<Linted> {
  const files = await readProjectFiles(folder);
  // What Rehearsal would refuse is found by rules as well, all of it and not only the first.
  const refused = new Set<string>();
  const project = await checkProject(files, ({ facts }) => refused.add((facts as { path: string }).path));
  return lintProject(project, options, refused);
}

function lintProject(
  project: Project,
  { all, since }: Pick<LintOptions, "all" | "since">,
  refused: ReadonlySet<string>,
): Linted {
  const sources = [...project.migrations, ...project.views, ...project.seeds];
  const pending = since === undefined ? undefined : pathsSince(project, since);
  const plans = project.plans.filter((plan) => unfinished(plan).length === 0);
  return {
    findings: lint(project, {
      apart: all !== true && pending === undefined,
      refused,
      planned: plannedStatements(project.migrations, plans),
      ...(pending && { pending }),
    }),
    files: pending?.size ?? sources.length,
    sources: new Map(sources.map(({ path, sql }) => [path, sql])),
  };
}

function outcomeOf(linted: Linted, format: LintOptions["format"], terminal: Terminal): Outcome {
  const { findings, files } = linted;
  const sums = counts(findings);
  const value = { files, ...sums, findings };
  const text = {
    human: () => humanText(linted, terminal.tintOut),
    json: () => JSON.stringify(value, null, 2),
    sarif: () => JSON.stringify(sarifLog(findings), null, 2),
    github: () => githubText(findings),
  }[format];
  return { value, text: text(), exit: sums.errors > 0 ? 1 : 0 };
}
