/** `rehearsal schema`: schema.lock.json and schema.md of this folder's project, written from a replay, or held against one. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { orMissing } from "../../core/missing.ts";
import { checkProject } from "../../core/project.ts";
import { buildBundle } from "../../core/release.ts";
import { compareLocks, parseSchemaLock, SCHEMA_LOCK_PATH, type SchemaLock } from "../../core/schema-lock.ts";
import { STORE_PATH } from "../../core/store/store-file.ts";
import type { Context, Declare, Outcome } from "../command.ts";
import { followTask, outcomeOf } from "../follow-task.ts";
import { readProjectFiles } from "../project-files.ts";
import { fetchTaskFiles } from "../task-files.ts";
import { plain, short } from "../text.ts";
import { startTask } from "./backup-tasks.ts";
import { uploadRelease } from "./project.ts";

const PAGE_PATH = "schema.md";
const GENERATED: readonly string[] = [SCHEMA_LOCK_PATH, PAGE_PATH];
/** What is read against the lock cannot be there without it. */
const WITHOUT: readonly string[] = [...GENERATED, STORE_PATH];

export const schemaCommand: Declare = (act) =>
  new Command("schema")
    .description("Write schema.lock.json and schema.md from a replay of this folder's migrations")
    .requiredOption("--env <environment>", "beside whose database they are replayed")
    .option(
      "--check",
      "write nothing; exit code 3 with the differences when they are not what a replay makes",
    )
    .action(
      act(async (context, options: { env: string; check?: boolean }) => {
        const release = await releaseWithout(context);
        const started = await startTask(context, `/environments/${encodeURIComponent(options.env)}/replays`, {
          release,
        });
        context.terminal.err(`${started.id}: replay ${short(release)}`);
        const ended = await followTask(context, started.id);
        if (ended.error !== null) return outcomeOf(ended);
        const made = await fetchTaskFiles(context, ended.id);
        const text = made.get(SCHEMA_LOCK_PATH) ?? "";
        const lock = parseSchemaLock(Buffer.from(text));
        return options.check
          ? check(context.folder, lock, made.get(PAGE_PATH) ?? "")
          : write(context.folder, lock, made);
      }),
    );

/** The folder's release as it would be without the files that are to be made: they may be missing, old or damaged. */
async function releaseWithout(context: Context): Promise<string> {
  const files = (await readProjectFiles(context.folder)).filter(({ path }) => !WITHOUT.includes(path));
  const project = await checkProject(files);
  return uploadRelease(context, { bundle: buildBundle(files), project });
}

async function write(folder: string, lock: SchemaLock, made: Map<string, string>): Promise<Outcome> {
  const before = await readLock(folder);
  const differences = before === undefined ? [] : compareLocks(before, lock);
  for (const path of GENERATED) {
    // Whole or not at all: a lock cut off in the middle would be refused by every release.
    const partial = join(folder, `.${path}.partial`);
    await writeFile(partial, made.get(path) ?? "").catch(unwritable(path));
    await rename(partial, join(folder, path)).catch(unwritable(path));
  }
  const changed = before === undefined ? "new" : differences.length === 0 ? "as before" : "changed";
  return {
    value: { written: GENERATED, fingerprint: lock.fingerprint, changed, differences },
    text: [`${GENERATED.join(", ")}: ${changed}, ${short(lock.fingerprint)}`, ...lines(differences)].join(
      "\n",
    ),
  };
}

async function check(folder: string, lock: SchemaLock, page: string): Promise<Outcome> {
  const known = await readText(folder, SCHEMA_LOCK_PATH);
  const differences =
    known === undefined
      ? [`${SCHEMA_LOCK_PATH} is missing`]
      : compareLocks(parseSchemaLock(Buffer.from(known)), lock);
  if ((await readText(folder, PAGE_PATH)) !== page)
    differences.push(`${PAGE_PATH} is not what would be written`);
  const value = { equal: differences.length === 0, fingerprint: lock.fingerprint, differences };
  if (differences.length === 0)
    return { value, text: `${GENERATED.join(", ")}: what a replay makes, ${short(lock.fingerprint)}` };
  return {
    value,
    text: [
      "not what a replay makes:",
      ...lines(differences),
      'write them anew with "rehearsal schema", or correct the migrations',
    ].join("\n"),
    exit: 3,
  };
}

/** One that cannot be read is as good as none: it is about to be written. */
async function readLock(folder: string): Promise<SchemaLock | undefined> {
  const text = await readText(folder, SCHEMA_LOCK_PATH);
  if (text === undefined) return undefined;
  try {
    return parseSchemaLock(Buffer.from(text));
  } catch (error) {
    if (error instanceof RehearsalError) return undefined;
    throw error;
  }
}

async function readText(folder: string, path: string): Promise<string | undefined> {
  return readFile(join(folder, path), "utf8").catch(orMissing);
}

const unwritable = (path: string) => (error: Error) => {
  throw new RehearsalError("InputInvalid", { what: path, problems: error.message }, { cause: error });
};

function lines(differences: readonly string[]): string[] {
  return differences.map((one) => `  ${plain(one)}`);
}
