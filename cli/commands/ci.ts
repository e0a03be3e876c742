/** `rehearsal ci`: what a pipeline does with a change and with a release, in one command for each place that runs them. */
import { Command, Option } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { openGithub, readGithub } from "../ci/github.ts";
import { openGitlab, readGitlab } from "../ci/gitlab.ts";
import { serve } from "../ci/serve.ts";
import type { Act, Declare } from "../command.ts";

interface Options {
  environment: string;
  releaseBranch?: string;
  output: string;
  wait: number;
  note: boolean;
}

export const ciCommand: Declare = (act) =>
  new Command("ci")
    .description(
      "In a pipeline: lint and rehearse a change, promote a release, and tell about it where people look",
    )
    .addCommand(githubCommand(act))
    .addCommand(gitlabCommand(act));

const githubCommand = (act: Act) =>
  declared("github", "In a job of GitHub Actions, of a pull request or of a push").action(
    act(async (context, options: Options) => {
      const { variables, terminal } = context;
      const pipeline = await readGithub(variables, options);
      return serve(context, pipeline, await openGithub(variables, terminal, pipeline), {
        ...options,
        root: variables.GITHUB_WORKSPACE || context.folder,
        commit: pipeline.commit,
      });
    }),
  );

const gitlabCommand = (act: Act) =>
  declared("gitlab", "In a job of GitLab CI, of a merge request or of a branch").action(
    act(async (context, options: Options) => {
      const { variables } = context;
      const pipeline = readGitlab(variables, options);
      return serve(context, pipeline, openGitlab(variables, pipeline), {
        ...options,
        root: variables.CI_PROJECT_DIR || context.folder,
        commit: pipeline.commit,
      });
    }),
  );

function declared(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption("--environment <name>", "which is rehearsed for, and promoted")
    .option("--release-branch <name>", "whose pushes are promoted; the default branch when left out")
    .option("--output <folder>", "where the report and the findings are kept", "rehearsal-report")
    .addOption(
      new Option("--wait <minutes>", "how long a turn, and an approval, are waited for")
        .argParser(minutes)
        .default(60),
    )
    .option("--no-note", "write no comment on the change");
}

function minutes(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new RehearsalError("UsageInvalid", {
    problem: `"${text}" is no number of minutes`,
    command: "rehearsal ci",
    guess: "",
  });
}
