/** `rehearsal squash`: several migrations made into one, proved to make the same before a file is touched. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { numberText } from "../../core/migration-name.ts";
import { checkProject, type ProjectFile } from "../../core/project.ts";
import { buildBundle } from "../../core/release.ts";
import { squashText } from "../../core/squash.ts";
import type { Act, Context, Declare, Outcome } from "../command.ts";
import { followTask, outcomeOf } from "../follow-task.ts";
import { readProjectFiles } from "../project-files.ts";
import { plain } from "../text.ts";
import { startTask } from "./backup-tasks.ts";
import { slug } from "./new.ts";
import { chooseRelease, uploadRelease } from "./project.ts";

export const squashCommand: Declare = (act) =>
  new Command("squash")
    .description(
      "Squashes: several migrations made into one, for databases that have had them and for new ones",
    )
    .addCommand(makeCommand(act), { isDefault: true })
    .addCommand(proveCommand(act));

const makeCommand = (act: Act) =>
  new Command("make")
    .description("Put one migration in the place of several, once both make the same shape and the same rows")
    .argument("<from>", "the number of the first")
    .argument("<to>", "the number of the last, which the new one gets")
    .requiredOption("--env <environment>", "beside whose database both are replayed")
    .option("--name <words>", "what they do together", "squashed")
    .action(
      act(async (context, from: string, to: string, options: { env: string; name: string }) => {
        const made = await makeSquash(context.folder, Number(from), Number(to), options.name);
        const before = await upload(context, made.before);
        const after = await upload(context, made.after);
        const ended = await prove(context, options.env, before, after);
        if (ended.error !== null) return outcomeOf(ended);
        await writeFile(join(context.folder, made.path), made.text, { flag: "wx" });
        for (const path of made.gone) await rm(join(context.folder, path));
        return {
          value: { task: ended.id, path: made.path, gone: made.gone, release: after },
          text: [`${plain(made.path)} stands for`, ...made.gone.map((path) => `  ${plain(path)}`)].join("\n"),
        };
      }),
    );

const proveCommand = (act: Act) =>
  new Command("prove")
    .description("Prove this folder's squashes anew, for a service that has not seen them made")
    .argument("<release>", "the release before: its hash, or the beginning of it")
    .requiredOption("--env <environment>", "beside whose database both are replayed")
    .action(
      act(async (context, release: string, options: { env: string }): Promise<Outcome> => {
        const after = await chooseRelease(context, undefined);
        return outcomeOf(await prove(context, options.env, release.toLowerCase(), after));
      }),
    );

async function prove(context: Context, environment: string, before: string, after: string) {
  const path = `/environments/${encodeURIComponent(environment)}/squashes`;
  const started = await startTask(context, path, { before, after });
  context.terminal.err(`${started.id}: squash`);
  return followTask(context, started.id);
}

async function upload(context: Context, files: readonly ProjectFile[]): Promise<string> {
  return uploadRelease(context, { bundle: buildBundle(files), project: await checkProject(files) });
}

/** The files as they are and as they would be; nothing is written. Throws `SquashRefused`. */
async function makeSquash(folder: string, from: number, to: number, words: string) {
  const before = await readProjectFiles(folder);
  const { config, migrations } = await checkProject(before);
  const refuse = (reason: string) => new RehearsalError("SquashRefused", { reason });
  if (config.format !== "native")
    throw refuse(`the project's format is ${config.format}, whose tool counts for itself`);
  const originals = migrations.filter(({ version }) => version >= from && version <= to);
  const [first, last] = [originals[0], originals.at(-1)];
  if (!(from < to) || first?.version !== from || last?.version !== to)
    throw refuse(`there are no migrations from ${from} to ${to}; name the first number and a later one`);
  const text = squashText(originals);
  const path = `${last.path.slice(0, last.path.lastIndexOf("/"))}/${numberText(to)}_${slug(words) || "squashed"}.sql`;
  const squashed = new Set(originals.map((one) => one.path));
  if (squashed.has(path)) throw refuse(`${path} is the name of one of them; give another with --name`);
  const plans = new Set(originals.map(({ version }) => `plans/${numberText(version)}.yaml`));
  const gone = before.map((file) => file.path).filter((file) => squashed.has(file) || plans.has(file));
  const after = before.filter((file) => !gone.includes(file.path));
  return { before, after: [...after, { path, bytes: Buffer.from(text) }], path, text, gone };
}
