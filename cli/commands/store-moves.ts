/** `rehearsal store dump`, `export`, `sync`, `verify`, `cutover`, `abandon`, `import`, `status` and `give-up`: what the service does with an environment's store. */
import { resolve } from "node:path";
import { Command } from "commander";
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import type { StorePlace } from "../../core/stores.ts";
import type { Act, Context, Outcome } from "../command.ts";
import { followTask, followUnless, outcomeOf } from "../follow-task.ts";
import { writeNew } from "../new-file.ts";
import { exitOf } from "../refusal.ts";
import { store, stores } from "../store-answers.ts";
import { cutoverRefusal, describeStore, storeDifferences } from "../store-text.ts";
import { fetchTaskFiles } from "../task-files.ts";
import { rows, when } from "../text.ts";
import { startTask } from "./backup-tasks.ts";

interface Followed {
  watch: boolean;
}

const pathOf = (environment: string, what: string) =>
  `/environments/${encodeURIComponent(environment)}/${what}`;

const UNWATCHED = ["--no-watch", "do not follow it to its end"] as const;
const CONFIRM = ["--confirm <environment>", "its name once more; needed where its role is prod"] as const;
const PLACE = "a folder of the service's machine, or stores/NAME of the environment's storage";

/** What of a metadata report the command tells. */
const metadata = z.looseObject({
  takenAt: z.string(),
  totals: z.looseObject({ models: z.number(), rows: z.number() }),
});

export const dumpCommand = (act: Act) =>
  new Command("dump")
    .description("Count what every model of an environment holds, and write the report to a file")
    .argument("<environment>")
    .option("--out <path>", "the file; store-metadata-ENVIRONMENT-TIME.json when left out")
    .action(
      act(async (context, name: string, { out }: { out?: string }) => {
        const started = await startTask(context, pathOf(name, "store-dumps"), {});
        context.terminal.err(`${started.id}: store-dump ${name}`);
        const ended = await followTask(context, started.id);
        if (ended.error !== null) return outcomeOf(ended);
        const text = (await fetchTaskFiles(context, ended.id)).get("metadata.json") ?? "";
        const { takenAt, totals } = metadata.parse(JSON.parse(text));
        const time = takenAt.replaceAll(/[:.]/g, "-");
        const path = resolve(context.folder, out ?? `store-metadata-${name}-${time}.json`);
        await writeNew(path, text);
        return {
          value: { task: ended.id, path, takenAt, models: totals.models, rows: totals.rows },
          text: `${path}: ${totals.models} models, ${rows(totals.rows)}, at ${when(takenAt)}`,
        };
      }),
    );

interface ExportOptions extends Followed {
  to: string;
  feed: string | false;
}

export const exportCommand = (act: Act) =>
  new Command("export")
    .description("Write an environment's data into a new store, as it is at one instant")
    .argument("<environment>")
    .requiredOption("--to <place>", PLACE)
    .option("--feed <table>", "the change feed that it is to follow", "changes")
    .option("--no-feed", "a store that stays as it is, and cannot take the database's place")
    .option(...UNWATCHED)
    .action(
      act(async (context, name: string, { to, feed, watch }: ExportOptions) => {
        const body = { place: placeOf(context, to), feed: feed === false ? null : feed };
        return followUnless(context, await startTask(context, pathOf(name, "store-exports"), body), watch);
      }),
    );

interface SyncOptions extends Followed {
  follow: string;
  forget?: boolean;
}

export const syncCommand = (act: Act) =>
  new Command("sync")
    .description("Bring an environment's store up with its database")
    .argument("<environment>")
    .option("--follow <seconds>", "go on for so long behind the moment when it has caught up", "0")
    .option("--forget", "have the feed forget what the store has read, where nobody else reads it")
    .option(...UNWATCHED)
    .action(
      act(async (context, name: string, { follow, forget = false, watch }: SyncOptions) => {
        const seconds = /^\d{1,6}$/.test(follow) ? Number(follow) : undefined;
        if (seconds === undefined)
          throw new RehearsalError("UsageInvalid", {
            problem: `--follow takes a number of seconds, not "${follow}"`,
            command: "rehearsal store sync",
            guess: "",
          });
        return followUnless(
          context,
          await startTask(context, pathOf(name, "store-syncs"), { seconds, forget }),
          watch,
        );
      }),
    );

export const verifyCommand = (act: Act) =>
  new Command("verify")
    .description("Compare an environment's store with its database; exit code 3 when something differs")
    .argument("<environment>")
    .option(...UNWATCHED)
    .action(
      act(async (context, name: string, { watch }: Followed): Promise<Outcome> => {
        const outcome = await followUnless(
          context,
          await startTask(context, pathOf(name, "store-verifications"), {}),
          watch,
        );
        const { outcome: found } = outcome.value as { outcome: unknown };
        return storeDifferences(found) === 0 ? outcome : { ...outcome, exit: 3 };
      }),
    );

interface CutoverOptions {
  back?: boolean;
  overwrite?: boolean;
  confirm?: string;
}

export const cutoverCommand = (act: Act) =>
  new Command("cutover")
    .description("Have an environment's store count in its database's place, or the database again")
    .argument("<environment>")
    .option("--back", "the way back: what the store holds goes into the database, which counts again")
    .option(
      "--overwrite",
      "on the way back: also where somebody has written to the database behind the fence",
    )
    .option(...CONFIRM)
    .option(...UNWATCHED)
    .action(
      act(
        async (
          context,
          name: string,
          { back = false, overwrite, confirm, watch }: Followed & CutoverOptions,
        ) => {
          const body = {
            back,
            ...(overwrite !== undefined && { overwrite }),
            ...(confirm !== undefined && { confirm }),
          };
          const started = await startTask(context, pathOf(name, "store-cutovers"), body);
          const outcome = await followUnless(context, started, watch);
          const refusal = cutoverRefusal((outcome.value as { outcome: unknown }).outcome);
          return refusal === undefined ? outcome : { ...outcome, exit: exitOf(refusal) };
        },
      ),
    );

export const abandonCommand = (act: Act) =>
  new Command("abandon")
    .description("Let go of a store that is lost: the database counts again, as it was at the cutover")
    .argument("<environment>")
    .option("--store <id>", "the store's own id, for one that may still be read; what it holds is lost")
    .option(...CONFIRM)
    .option(...UNWATCHED)
    .action(
      act(
        async (
          context,
          name: string,
          { store, confirm, watch }: Followed & { store?: string; confirm?: string },
        ) => {
          const body = { ...(store !== undefined && { store }), ...(confirm !== undefined && { confirm }) };
          const started = await startTask(context, pathOf(name, "store-abandonments"), body);
          return followUnless(context, started, watch);
        },
      ),
    );

export const importCommand = (act: Act) =>
  new Command("import")
    .description("Bring a store into an environment's database, whose tables have to be empty")
    .argument("<environment>")
    .requiredOption("--from <place>", PLACE)
    .option("--of <environment>", "whose data it is, where that is another environment's")
    .option(...CONFIRM)
    .option(...UNWATCHED)
    .action(
      act(
        async (
          context,
          name: string,
          { from, of, confirm, watch }: Followed & { from: string; of?: string; confirm?: string },
        ) => {
          const body = {
            place: placeOf(context, from),
            ...(of !== undefined && { of }),
            ...(confirm !== undefined && { confirm }),
          };
          return followUnless(context, await startTask(context, pathOf(name, "store-imports"), body), watch);
        },
      ),
    );

export const statusCommand = (act: Act) =>
  new Command("status")
    .description("Where an environment's store stands: what it follows, what was compared, and what counts")
    .argument("<environment>")
    .action(
      act(async (context, name: string, _: object) => {
        const client = await context.client();
        const found = await client.get(`${pathOf(name, "stores")}?limit=20`, stores);
        const [newest] = found.stores;
        const text =
          newest === undefined
            ? `"${name}" has no store; make one with: rehearsal store export ${name} --to PLACE`
            : describeStore(newest);
        return { value: found, text };
      }),
    );

export const giveUpCommand = (act: Act) =>
  new Command("give-up")
    .description("Let go of an environment's store that does not count; its files stay where they are")
    .argument("<environment>")
    .action(
      act(async (context, name: string, _: object) => {
        const client = await context.client();
        const given = await client.post(pathOf(name, "store-give-ups"), {}, store);
        return { value: given, text: describeStore(given) };
      }),
    );

/** `stores/NAME` is the environment's own; anything else is a folder where the service runs. */
function placeOf({ folder }: Context, place: string): StorePlace {
  const prefix = /^stores\/([^/]+)\/?$/.exec(place)?.[1];
  return prefix === undefined ? { folder: resolve(folder, place) } : { prefix };
}
