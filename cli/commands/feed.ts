/** `rehearsal feed`: a change feed of tables, as the project's next migration. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { type FeedMigration, feedMigration } from "../../core/feed-migration.ts";
import { parseSchemaLock, SCHEMA_LOCK_PATH } from "../../core/schema-lock.ts";
import type { Act, Declare } from "../command.ts";
import { plain } from "../text.ts";
import { newMigration } from "./new.ts";

export const feedCommand: Declare = (act) =>
  new Command("feed")
    .description("Change feeds: a table that is told of every change of others, for readers that follow them")
    .addCommand(addCommand(act));

const addCommand = (act: Act) =>
  new Command("add")
    .description("Write the migration that makes a feed follow tables, by what schema.lock.json says of them")
    .argument("<tables...>", "the tables; outside of public with their schema, app.users")
    .option("--name <feed>", "the feed's table; one that is there is told of these tables as well", "changes")
    .option(
      "--print",
      "the SQL to standard output and no file, for tools that make their migrations themselves",
    )
    .action(
      act(async ({ folder, terminal }, tables: string[], options: { name: string; print?: boolean }) => {
        const made = feedMigration(await readLock(folder), options.name, tables);
        const { feed, known, sql } = made;
        if (options.print) return { value: { ...made, paths: [] }, text: sql.trimEnd() };
        const paths = await write(folder, wordsOf(made), sql);
        const entry = known ? "" : `an entry for ${plain(feed)} where there is an inventory.yaml, `;
        terminal.err(`next: ${entry}rehearsal lint, rehearsal schema --env ENVIRONMENT`);
        return { value: { ...made, paths }, text: paths.map(plain).join("\n") };
      }),
    );

/** Short enough to stand whole in a name. */
function wordsOf({ feed, tables, known }: FeedMigration): string {
  const [first = "", ...others] = tables.map((table) => table.replace(/^public\./, ""));
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `${known ? "follow" : `feed ${feed.replace(/^public\./, "")} of`} ${first}`.slice(0, 45) + more;
}

/** The same tables may be told of again, when their key has become another. */
async function write(folder: string, words: string, sql: string): Promise<string[]> {
  for (let times = 1; ; times++)
    try {
      return (await newMigration(folder, times === 1 ? words : `${words} ${times}`, sql)).paths;
    } catch (error) {
      if (!(error instanceof RehearsalError) || error.code !== "MigrationNameTaken") throw error;
    }
}

async function readLock(folder: string) {
  const bytes = await readFile(join(folder, SCHEMA_LOCK_PATH)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new RehearsalError("SchemaLockUnreadable", { reason: "this folder has none" });
  });
  return parseSchemaLock(bytes);
}
