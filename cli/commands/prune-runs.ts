/** `rehearsal prune plan`, `run`, `sweep`, `test` and `restore`: each started once however often the request has to be sent, and followed. */
import { randomUUID } from "node:crypto";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import type { Act, Context, Outcome } from "../command.ts";
import { followPruneUnless } from "../follow-prune.ts";
import { followUnless } from "../follow-task.ts";
import { everyPage } from "../paging.ts";
import { policies, prune } from "../prune-answers.ts";
import { startTask } from "./backup-tasks.ts";

interface Followed {
  watch: boolean;
  idempotencyKey?: string;
}

interface Wanted extends Followed {
  environment: string;
  policy?: string;
  confirm?: string;
}

/** The options of every command that starts a run. */
function followed(command: Command): Command {
  return command
    .option("--no-watch", "do not follow it to its end")
    .option("--idempotency-key <key>", "the same key starts the same run once; made up when left out");
}

function ofPolicy(command: Command): Command {
  return command
    .requiredOption("--environment <name>", "whose records they are")
    .option("--policy <name>", "the policy; needed where there are several");
}

const confirmed = (command: Command) =>
  command.option(
    "--confirm <environment>",
    "the environment's name once more; needed where its role is prod",
  );

const start = (context: Context, path: string, body: object, options: Followed): Promise<Outcome> =>
  context
    .client()
    .then((client) =>
      client.post(path, body, prune, { "idempotency-key": options.idempotencyKey ?? randomUUID() }),
    )
    .then((started) => followPruneUnless(context, started, options.watch));

async function startOf(context: Context, body: object, options: Wanted): Promise<Outcome> {
  const { environment, confirm } = options;
  const policy = await choosePolicy(context, environment, options.policy);
  const path = `/environments/${encodeURIComponent(environment)}/prunes`;
  return start(context, path, { policy, ...body, confirm }, options);
}

/** The one that was named, or the only one that there is. Throws `UsageInvalid` when there are several. */
export async function choosePolicy(
  context: Context,
  environment: string,
  named: string | undefined,
): Promise<string> {
  if (named !== undefined) return named;
  const path = `/environments/${encodeURIComponent(environment)}/policies`;
  const all = await everyPage(await context.client(), path, policies, (page) => page.policies);
  const [only, ...others] = all.map(({ name }) => name);
  if (only !== undefined && others.length === 0) return only;
  const problem =
    only === undefined
      ? `what "${environment}" runs has no retention policy`
      : `say which policy: --policy ${[only, ...others].join(" or ")}`;
  throw new RehearsalError("UsageInvalid", { problem, command: "rehearsal prune", guess: "" });
}

export const planCommand = (act: Act) =>
  followed(
    ofPolicy(
      new Command("plan")
        .description("Tell what would go of archived records, what stays and why; nothing is deleted")
        .argument("<record...>", "their primary keys"),
    ),
  ).action(
    act(async (context, records: string[], options: Wanted) =>
      startOf(context, { mode: "report", records }, options),
    ),
  );

export const runCommand = (act: Act) =>
  confirmed(
    followed(
      ofPolicy(
        new Command("run")
          .description("Prune archived records: bundle what may go, delete its rows, then its objects")
          .argument("<record...>", "their primary keys"),
      ),
    ),
  ).action(
    act(async (context, records: string[], options: Wanted) =>
      startOf(context, { mode: "prune", records }, options),
    ),
  );

interface SweepOptions extends Wanted {
  limit?: string;
  dryRun?: boolean;
}

export const sweepCommand = (act: Act) =>
  confirmed(
    followed(
      ofPolicy(
        new Command("sweep")
          .description("Prune the backlog: every archived record whose grace is over and that nobody holds")
          .option("--limit <count>", "at most so many records")
          .option("--dry-run", "only tell what would go"),
      ),
    ),
  ).action(
    act(async (context, { limit, dryRun, ...options }: SweepOptions) => {
      const body = {
        mode: dryRun ? "report" : "prune",
        ...(limit !== undefined && { limit: Number(limit) }),
      };
      return startOf(context, body, options);
    }),
  );

interface TestOptions extends Followed {
  environment: string;
  backup: string;
  records?: string;
}

export const testCommand = (act: Act) =>
  followed(
    new Command("test")
      .description("Put a policy to a restored copy: prune it, compare, bring all back, compare again")
      .argument("<policy>")
      .requiredOption("--environment <name>", "whose policy it is")
      .option("--backup <backup>", "what is restored; latest is the newest that can be used", "latest")
      .option("--records <count>", "at most so many records; all of the backlog when left out"),
  ).action(
    act(async (context, policy: string, options: TestOptions) => {
      const { environment, backup, records, idempotencyKey, watch } = options;
      const path = `/environments/${encodeURIComponent(environment)}/prune-tests`;
      const body = { policy, backup, ...(records !== undefined && { records: Number(records) }) };
      return followUnless(context, await startTask(context, path, body, idempotencyKey), watch);
    }),
  );

export const restoreCommand = (act: Act) =>
  confirmed(
    followed(
      new Command("restore")
        .description("Bring back what a prune deleted, bit for bit")
        .argument("<prune>")
        .argument("[record...]", "only these of its records; all when left out"),
    ),
  ).action(
    act(async (context, id: string, records: string[], options: Followed & { confirm?: string }) => {
      const body = { ...(records.length > 0 && { records }), confirm: options.confirm };
      return start(context, `/prunes/${encodeURIComponent(id)}/restore`, body, options);
    }),
  );
