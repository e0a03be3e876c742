/** `rehearsal backup create`, `verify`, `restore` and `expire`: started as tasks, once however often the request has to be sent, and followed. */
import { randomUUID } from "node:crypto";
import { Command, Option } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { RETENTION_CLASSES } from "../../core/retention.ts";
import { expirable, type Task, task } from "../answers.ts";
import { backupTable } from "../backup-text.ts";
import type { Act, Context, Outcome } from "../command.ts";
import { followUnless } from "../follow-task.ts";
import { everyPage } from "../paging.ts";
import { bytes, columns } from "../text.ts";

/** Starts a task by POST. */
export async function startTask(
  context: Context,
  path: string,
  body: object,
  key: string = randomUUID(),
): Promise<Task> {
  const client = await context.client();
  return client.post(path, body, task, { "idempotency-key": key });
}

interface Followed {
  watch: boolean;
  idempotencyKey?: string;
}

/** The options of every command that starts a task. */
function followed(command: Command): Command {
  return command
    .option("--no-watch", "do not follow it to its end")
    .option("--idempotency-key <key>", "the same key starts the same task once; made up when left out");
}

async function startAndFollow(
  context: Context,
  path: string,
  body: object,
  { watch, idempotencyKey }: Followed,
): Promise<Outcome> {
  return followUnless(context, await startTask(context, path, body, idempotencyKey), watch);
}

const pathOf = (id: string, what: string) => `/backups/${encodeURIComponent(id)}/${what}`;

interface CreateOptions extends Followed {
  base?: string;
  retention: string;
}

export const createCommand = (act: Act) =>
  followed(
    new Command("create")
      .description("Back up an environment")
      .argument("<environment>")
      .option("--base <backup>", "copy only what has changed since this one; latest is the newest")
      .addOption(
        new Option("--retention <class>", "how long it is kept, by the environment's policy")
          .choices([...RETENTION_CLASSES])
          .default("manual"),
      ),
  ).action(
    act(async (context, name: string, options: CreateOptions) => {
      const { base, retention } = options;
      return startAndFollow(
        context,
        `/environments/${encodeURIComponent(name)}/backups`,
        { base, retention },
        options,
      );
    }),
  );

export const verifyCommand = (act: Act) =>
  followed(
    new Command("verify")
      .description("Read every object of a backup and hold it against the manifest")
      .argument("<backup>")
      .option("--restore", "restore it into a database, compare what that holds, and drop it"),
  ).action(
    act(async (context, id: string, options: Followed & { restore?: boolean }) =>
      startAndFollow(context, pathOf(id, "verify"), { restore: options.restore === true }, options),
    ),
  );

interface RestoreOptions extends Followed {
  to?: string;
  over?: string;
  confirm?: string;
  tablespace?: Record<string, string>;
}

export const restoreCommand = (act: Act) =>
  followed(
    new Command("restore")
      .description("Restore a backup into a new database, or in the place of its environment's")
      .argument("<backup>")
      .addOption(
        new Option("--to <database>", "the name of a new database on the environment's server").conflicts(
          "over",
        ),
      )
      .option("--over <environment>", "replace the environment's database, which is kept under another name")
      .option("--confirm <environment>", "the environment's name once more; needed where its role is prod")
      .option(
        "--tablespace <old=new>",
        "what the backup has in one tablespace comes to lie in another; once more for another",
        mapping,
      ),
  ).action(
    act(async (context, id: string, options: RestoreOptions) => {
      const { to, over, confirm, tablespace: tablespaces } = options;
      if (to === undefined && over === undefined)
        throw usage("say where to: --to DATABASE for a new one, or --over ENVIRONMENT");
      return startAndFollow(context, pathOf(id, "restore"), { to, over, confirm, tablespaces }, options);
    }),
  );

/** What `--tablespace old=new` gives so far, and one more. */
function mapping(word: string, given: Record<string, string> = {}): Record<string, string> {
  const [, old, wanted] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
  if (old === undefined || wanted === undefined)
    throw usage(`"${word}" is no mapping: it is written old=new`);
  if (Object.hasOwn(given, old)) throw usage(`"${old}" is mapped twice`);
  return { ...given, [old]: wanted };
}

const usage = (problem: string) =>
  new RehearsalError("UsageInvalid", { problem, command: "rehearsal backup restore", guess: "" });

export const expireCommand = (act: Act) =>
  followed(
    new Command("expire")
      .description(
        "Remove the objects of backups whose time is over; what is held, newest or built upon stays",
      )
      .argument("[environment]", "all of them when left out")
      .option("--dry-run", "only tell what would go, and why the others stay"),
  ).action(
    act(async (context, environment: string | undefined, options: Followed & { dryRun?: boolean }) =>
      options.dryRun
        ? tellExpirable(context, environment)
        : startAndFollow(context, "/backups/expire", { environment }, options),
    ),
  );

async function tellExpirable(context: Context, environment: string | undefined): Promise<Outcome> {
  const query = environment === undefined ? {} : { environment };
  const client = await context.client();
  const judged = await everyPage(client, "/backups/expirable", expirable, (page) => [page], query);
  const found = {
    expirable: judged.flatMap((page) => page.expirable),
    kept: judged.flatMap((page) => page.kept),
  };
  const { expirable: going, kept } = found;
  const size = going.reduce((sum, one) => sum + one.bytes, 0);
  const parts = [
    going.length === 0
      ? "nothing would go"
      : `${backupTable(going)}\n\n${going.length} would go, ${bytes(size)}`,
    ...(kept.length === 0
      ? []
      : [
          columns([
            ["KEPT", "ENVIRONMENT", "BECAUSE"],
            ...kept.map((one) => [one.id, one.environment, one.because]),
          ]),
        ]),
  ];
  return { value: found, text: parts.join("\n\n") };
}
