/**
 * `npm run demo [-- EXAMPLE]`: an example's story, on a real Postgres and with the commands a user would type.
 * `--keep` leaves the stack up at the end.
 */
import { parseArgs } from "node:util";
import { databaseUrl } from "../core/database-url.ts";
import { didYouMean } from "../core/did-you-mean.ts";
import { assessments } from "./demo/assessments.ts";
import { documents } from "./demo/documents.ts";
import { narralytica } from "./demo/narralytica.ts";
import { quilltap } from "./demo/quilltap.ts";
import { selenite } from "./demo/selenite.ts";
import { openStage, type Stage, say, tell } from "./demo/stage.ts";

/** By the example's name; the first is played when none is named. */
const STORIES: Record<string, (stage: Stage) => Promise<void>> = {
  narralytica,
  documents,
  selenite,
  assessments,
  quilltap,
};

const { values: flags, positionals } = parseArgs({
  options: { keep: { type: "boolean", default: false } },
  allowPositionals: true,
});
const name = positionals[0] ?? "narralytica";
const story = Object.hasOwn(STORIES, name) ? STORIES[name] : undefined;
if (story === undefined) {
  process.stderr.write(`There is no demo "${name}", ${didYouMean(name, Object.keys(STORIES))}\n`);
  process.exit(2);
}

const started = performance.now();
let stage: Stage | undefined;
let stopping: Promise<void> | undefined;

process.on("SIGINT", () => void stop().then(() => process.exit(130)));
process.on("SIGTERM", () => void stop().then(() => process.exit(143)));

try {
  say("A service on this machine: Postgres, S3, Step Functions, the functions themselves");
  stage = await openStage(name);
  await story(stage);
  tell(`all of it took ${((performance.now() - started) / 1_000).toFixed(0)} s`);
  if (flags.keep) await keep(stage);
} catch (error) {
  process.stderr.write(
    `\nThe demo did not go as it should: ${error instanceof Error ? error.message : error}\n`,
  );
  process.exitCode ??= 1;
} finally {
  await stop();
}
process.exit();

async function keep({ stack, project }: Stage): Promise<void> {
  process.stdout.write(`
The stack stays up until Ctrl-C.
  service     ${stack.url}
  Postgres    ${databaseUrl({ ...stack.server, database: name })}
  project     ${project} (run "rehearsal" commands there)
`);
  await new Promise(() => undefined);
}

function stop(): Promise<void> {
  stopping ??= stage?.stop(flags.keep) ?? Promise.resolve();
  return stopping;
}
