/** `rehearsal key`: keys are made, listed and revoked; one is told when it is made, and never again. */
import { Command } from "commander";
import { expiryOf, grantsOf, grantsText, keysTable, ROLES_HELP } from "../access-text.ts";
import { key, keys, newKey } from "../answers.ts";
import type { Act, Declare } from "../command.ts";
import { everyPage } from "../paging.ts";
import { facts, when } from "../text.ts";

export const keyCommand: Declare = (act) =>
  new Command("key")
    .description("Keys: what scripts and pipelines without tokens of their own show")
    .addCommand(createCommand(act))
    .addCommand(listCommand(act))
    .addCommand(revokeCommand(act));

interface CreateOptions {
  label: string;
  person?: string;
  scope?: string[];
  expires?: string;
}

const createCommand = (act: Act) =>
  new Command("create")
    .description("Make a key: for yourself with at most what yours may, or as an admin for another")
    .requiredOption("--label <text>", "what it is for, to know it by")
    .option("--person <name>", "whose it is to be; yourself when left out")
    .option("--scope <roles...>", `what it may use of what its person holds: ${ROLES_HELP}`)
    .option("--expires <when>", "a span such as 90d or 12h, or a date; never when left out")
    .action(
      act(async (context, { label, person, scope, expires }: CreateOptions) => {
        const body = {
          label,
          ...(person !== undefined && { person }),
          ...(scope !== undefined && { scope: grantsOf(scope) }),
          ...(expires !== undefined && { expiresAt: expiryOf(expires, new Date()) }),
        };
        const client = await context.client();
        const made = await client.post("/keys", body, newKey);
        const text = facts({
          key: made.key,
          id: made.id,
          person: made.person,
          "may use": made.scope === null ? "all that its person holds" : grantsText(made.scope),
          expires: made.expiresAt === null ? "never" : when(made.expiresAt),
        });
        return { value: made, text: `${text}\nIt is not shown again: keep it where only its user reads it.` };
      }),
    );

const listCommand = (act: Act) =>
  new Command("list")
    .description("Your keys, or as an admin everybody's, with their last use; never the keys themselves")
    .option("--person <name>", "only theirs")
    .action(
      act(async (context, { person }: { person?: string }) => {
        const client = await context.client();
        const query: Record<string, string> = person === undefined ? {} : { person };
        const all = await everyPage(client, "/keys", keys, (page) => page.keys, query);
        return { value: { keys: all }, text: keysTable(all) };
      }),
    );

const revokeCommand = (act: Act) =>
  new Command("revoke")
    .description("Revoke a key at once, with every session that began with it")
    .argument("<id>", "as key list shows it")
    .action(
      act(async (context, id: string, _: object) => {
        const client = await context.client();
        const revoked = await client.post(`/keys/${encodeURIComponent(id)}/revoke`, {}, key);
        return { value: revoked, text: `${revoked.id} (${revoked.label}): revoked` };
      }),
    );
