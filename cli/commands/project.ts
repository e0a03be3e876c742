/** The commands of a project's folder: `init`, `new`, `release`. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { sha256 } from "../../core/digest.ts";
import { FORMAT_NAMES } from "../../core/formats/format.ts";
import { type Coverage, coverPlans, told } from "../../core/plan-coverage.ts";
import { announced, release } from "../answers.ts";
import type { Client } from "../client.ts";
import type { Context, Declare } from "../command.ts";
import { bytes, facts, plain, short } from "../text.ts";
import { type InitOptions, init } from "./init.ts";
import { newMigration } from "./new.ts";
import { type PreparedRelease, prepareRelease } from "./release.ts";

export const initCommand: Declare = (act) =>
  new Command("init")
    .description("Make a project where none stands")
    .argument("[folder]", "where; this folder when left out")
    .option("--name <name>", "the project's name; the folder's when left out")
    .addOption(
      new Option("--format <format>", "whose migrations it holds")
        .choices([...FORMAT_NAMES])
        .default("native"),
    )
    .option("--migrations <folder>", "where they stand; the format's own folder when left out")
    .action(
      act(async ({ folder }, where: string | undefined, options: InitOptions) => {
        const made = await init(resolve(folder, where ?? "."), options);
        const next =
          options.format === "native"
            ? 'rehearsal new "what the first migration does"'
            : "rehearsal release --check";
        return { value: made, text: `project "${made.project}" in ${plain(made.folder)}\nnext: ${next}` };
      }),
    );

export const newCommand: Declare = (act) =>
  new Command("new")
    .description("Make the next migration, in the project's format")
    .argument("<words...>", 'what it does: "add speakers"')
    .action(
      act(async ({ folder, terminal }, words: string[], _: object) => {
        const made = await newMigration(folder, words.join(" "));
        // Beside the result, which is the paths alone: editors open them.
        terminal.err("next: write its SQL there, then rehearsal lint");
        return { value: made, text: made.paths.map(plain).join("\n") };
      }),
    );

export const releaseCommand: Declare = (act) =>
  new Command("release")
    .description("Check this folder's project, build its release, and upload it")
    .option("--check", "only check and build; nothing is uploaded, and no service is needed")
    .action(
      act(async (context, options: { check?: boolean }) => {
        const prepared = await prepareRelease(context.folder);
        // What is pending only the service knows: without it plans are held against their migrations, and those without one are told of.
        const unplanned = options.check ? coverPlans(prepared.project, { policy: "optional" }).unplanned : [];
        for (const { path, statement } of unplanned)
          context.terminal.err(
            `note: ${plain(path)} needs a data plan where it is pending: ${plain(told(statement))}`,
          );
        for (const note of prepared.project.notes) context.terminal.err(`note: ${plain(note)}`);
        const uploaded = options.check ? undefined : await upload(await context.client(), prepared);
        return {
          value: {
            ...outcomeOf(prepared, uploaded),
            ...(options.check && { unplanned: unplannedOf(unplanned) }),
          },
          text: textOf(prepared, uploaded),
        };
      }),
    );

/** The hash of the release a command is about: the one that is named, or this folder's project, uploaded when it is new. */
export async function chooseRelease(context: Context, named: string | undefined): Promise<string> {
  if (named !== undefined) return named.toLowerCase();
  return uploadRelease(context, await prepareRelease(context.folder));
}

/** Uploads a release that the service does not know yet; returns its hash. */
export async function uploadRelease(context: Context, prepared: PreparedRelease): Promise<string> {
  const uploaded = await upload(await context.client(), prepared);
  context.terminal.err(
    `release ${short(prepared.bundle.hash)} of this folder ${uploaded ? "uploaded" : "is known"}`,
  );
  return prepared.bundle.hash;
}

/** Returns false when the service knew it. */
async function upload(client: Client, { bundle }: PreparedRelease): Promise<boolean> {
  const { manifest, bytes, hash } = bundle;
  const answer = await client.post(
    "/releases",
    { manifest, sha256: sha256(bytes), size: bytes.length },
    announced,
  );
  if (answer.upload === undefined) return false;
  await client.upload(answer.upload, bytes);
  await client.post(`/releases/${hash}`, {}, release);
  return true;
}

function outcomeOf({ bundle, project }: PreparedRelease, uploaded: boolean | undefined) {
  return {
    hash: bundle.hash,
    project: project.name,
    files: bundle.manifest.files.length,
    migrations: project.migrations.length,
    bytes: bundle.bytes.length,
    ...(project.notes.length > 0 && { notes: project.notes }),
    ...(uploaded !== undefined && { uploaded }),
  };
}

function unplannedOf(unplanned: Coverage["unplanned"]) {
  return unplanned.map(({ path, statement: { line, summary, fingerprint } }) => ({
    path,
    line,
    summary,
    fingerprint,
  }));
}

function textOf({ bundle, project }: PreparedRelease, uploaded: boolean | undefined): string {
  const told = { true: "yes", false: "was known already", undefined: "no, only checked" }[String(uploaded)];
  return facts({
    release: bundle.hash,
    project: project.name,
    files: `${bundle.manifest.files.length}, ${bytes(bundle.bytes.length)}`,
    migrations: String(project.migrations.length),
    uploaded: told,
  });
}
