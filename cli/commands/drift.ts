/** `rehearsal drift` and `rehearsal diff`: where shapes depart from one another, as objects and as SQL. */
import { Command } from "commander";
import { type Comparison, diff, drift } from "../answers.ts";
import type { Declare } from "../command.ts";
import { plain, short } from "../text.ts";

export const driftCommand: Declare = (act) =>
  new Command("drift")
    .description("Hold a database against what its ledger promises; exit code 3 when it departs from it")
    .argument("<environment>")
    .option("--sql", "only the SQL that would lead back; nothing is run")
    .action(
      act(async (context, name: string, options: { sql?: boolean }) => {
        const client = await context.client();
        const found = await client.get(`/environments/${encodeURIComponent(name)}/drift`, drift);
        const ignored = found.ignored === 0 ? "" : `; ${found.ignored} objects are ignored by its policy`;
        const title =
          found.count === 0
            ? `"${name}" is what was promised, ${short(found.promised)}${ignored}`
            : `"${name}" is not what was promised: ${differences(found.count)}${ignored}`;
        return {
          value: found,
          text: options.sql
            ? sqlOf(found)
            : described(title, found, `what would bring "${name}" back to the promise:`),
          ...(found.count > 0 && { exit: 3 }),
        };
      }),
    );

export const diffCommand: Declare = (act) =>
  new Command("diff")
    .description("Tell where one shape departs from another; exit code 3 when it does")
    .argument(
      "<from>",
      "an environment, PROMOTION:before or :after, a promotion's backup, a replayed release, a fingerprint",
    )
    .argument("<to>", "the same")
    .option("--sql", "only the SQL that makes the second of the first; nothing is run")
    .action(
      act(async (context, from: string, to: string, options: { sql?: boolean }) => {
        const client = await context.client();
        const found = await client.post("/diffs", { from, to }, diff);
        const [one, other] = [found.from, found.to].map(
          ({ named, is, fingerprint }) => `${plain(named)} (${is}, ${short(fingerprint)})`,
        );
        const title =
          found.count === 0
            ? `${one} and ${other} are the same`
            : `${one} departs from ${other}: ${differences(found.count)}`;
        return {
          value: found,
          text: options.sql
            ? sqlOf(found)
            : described(title, found, "what would make the second of the first:"),
          ...(found.count > 0 && { exit: 3 }),
        };
      }),
    );

function described(title: string, found: Comparison, about: string): string {
  if (found.count === 0) return title;
  const told = found.differences.map(({ text }) => `  ${plain(text)}`);
  const more = found.count - told.length;
  return [
    title,
    ...told,
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...(found.sql.length > 0 ? ["", about, sqlOf(found)] : []),
  ].join("\n");
}

function sqlOf({ sql }: Comparison): string {
  return sql.map(plain).join("\n");
}

function differences(count: number): string {
  return count === 1 ? "1 difference" : `${count} differences`;
}
