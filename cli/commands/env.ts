/** `rehearsal env`: the registered databases. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { parseDocument } from "yaml";
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { copiesCredentials, type Environment, environment, environments } from "../answers.ts";
import { describeLastVerified } from "../backup-text.ts";
import type { Act, Context, Declare } from "../command.ts";
import { everyPage } from "../paging.ts";
import { columns, facts, short } from "../text.ts";

export const envCommand: Declare = (act) =>
  new Command("env")
    .description("The environments: databases that are registered")
    .addCommand(addCommand(act))
    .addCommand(listCommand(act))
    .addCommand(showCommand(act))
    .addCommand(policyCommand(act))
    .addCommand(copiesCommand(act));

interface AddOptions {
  role: string;
  url?: string;
  copiesUrl?: string;
  policy?: string;
  state?: string;
}

const addCommand = (act: Act) =>
  new Command("add")
    .description("Register a database")
    .argument("<name>", "lower-case letters, digits and hyphens")
    .addOption(new Option("--role <role>", "what it is").choices(["dev", "prod"]).makeOptionMandatory())
    .option("--url <url>", 'postgresql://…; "-" reads it from standard input; else REHEARSAL_DATABASE_URL')
    .option(
      "--copies-url <url>",
      "the login by which copies are made, where another; else REHEARSAL_COPIES_URL",
    )
    .option("--policy <file>", "what every promotion of it must keep to, as YAML or JSON")
    .addOption(new Option("--state <state>", "what it is now").choices(["writeable", "canonical"]))
    .action(
      act(async (context, name: string, options: AddOptions) => {
        const url = await databaseUrlOf(context, options.url);
        const copiesUrl = copiesUrlOf(context, options.copiesUrl);
        const policy = options.policy === undefined ? undefined : await readPolicy(context, options.policy);
        const client = await context.client();
        const body = { name, role: options.role, url, copiesUrl, policy, state: options.state };
        const made = await client.post("/environments", body, environment);
        const next = `next: rehearsal promote ${made.name} --watch`;
        return { value: made, text: `${described(made)}\n${next}` };
      }),
    );

const listCommand = (act: Act) =>
  new Command("list").description("All environments").action(
    act(async (context, _: object) => {
      const client = await context.client();
      const all = await everyPage(client, "/environments", environments, (page) => page.environments);
      const rows = all.map((one) => [
        one.name,
        one.role,
        one.state,
        short(one.release),
        one.promotion === null ? "none" : `${one.promotion.id} ${one.promotion.status}`,
        one.address,
      ]);
      const head = ["NAME", "ROLE", "STATE", "RELEASE", "NEWEST PROMOTION", "ADDRESS"];
      const none = 'no environment is registered; "rehearsal env add" registers one';
      return { value: { environments: all }, text: rows.length === 0 ? none : columns([head, ...rows]) };
    }),
  );

const showCommand = (act: Act) =>
  new Command("show")
    .description("One environment")
    .argument("<name>")
    .action(
      act(async (context, name: string, _: object) => {
        const client = await context.client();
        const found = await client.get(`/environments/${encodeURIComponent(name)}`, environment);
        return { value: found, text: described(found) };
      }),
    );

const policyCommand = (act: Act) =>
  new Command("policy")
    .description("Replace an environment's policy; promotions under way keep theirs")
    .argument("<name>")
    .argument("<file>", "YAML or JSON; what it leaves out has its default")
    .action(
      act(async (context, name: string, file: string, _: object) => {
        const policy = await readPolicy(context, file);
        const client = await context.client();
        const path = `/environments/${encodeURIComponent(name)}`;
        const changed = await client.patch(path, { policy }, environment);
        return { value: changed, text: described(changed) };
      }),
    );

const copiesCommand = (act: Act) =>
  new Command("copies")
    .description("Give an environment's copies a login of their own, or its own again where none is given")
    .argument("<name>")
    .option("--url <url>", 'postgresql://…; "-" reads it from standard input; else REHEARSAL_COPIES_URL')
    .action(
      act(async (context, name: string, options: { url?: string }) => {
        const { terminal } = context;
        const given = options.url === "-" ? (await terminal.read()).trim() : options.url;
        const url = copiesUrlOf(context, given, options.url === "-");
        const client = await context.client();
        const path = `/environments/${encodeURIComponent(name)}/copies`;
        const kept = await client.put(path, { url }, copiesCredentials);
        const next = `next: rehearsal doctor ${name}`;
        return { value: kept, text: `copies of ${name} are made by ${kept.copiesAs}\n${next}` };
      }),
    );

/** Of the login for copies, from where it was put; undefined where copies have none of their own. */
function copiesUrlOf(
  { terminal, variables }: Context,
  given: string | undefined,
  hidden = false,
): string | undefined {
  const url = given ?? variables.REHEARSAL_COPIES_URL;
  if (!url) return undefined;
  const { password } = parseDatabaseUrl(url);
  if (password !== undefined && given !== undefined && !hidden)
    terminal.err(
      "note: on a command line others on this machine can read the password; REHEARSAL_COPIES_URL hides it",
    );
  return url;
}

/** The URL from where it was put; throws `InputInvalid` before it travels when it is none. */
async function databaseUrlOf({ terminal, variables }: Context, given: string | undefined): Promise<string> {
  const url = given === "-" ? (await terminal.read()).trim() : (given ?? variables.REHEARSAL_DATABASE_URL);
  if (!url)
    throw new RehearsalError("InputInvalid", {
      what: "the database URL",
      problems: "it is missing: set REHEARSAL_DATABASE_URL, or pass --url - and write it to standard input",
    });
  const { password } = parseDatabaseUrl(url);
  if (password !== undefined && given !== undefined && given !== "-")
    terminal.err(
      "note: on a command line others on this machine can read the password; REHEARSAL_DATABASE_URL and --url - hide it",
    );
  return url;
}

async function readPolicy({ folder }: Context, file: string): Promise<unknown> {
  const refuse = (problems: string) =>
    new RehearsalError("InputInvalid", { what: `the policy ${file}`, problems });
  const text = await readFile(resolve(folder, file), "utf8").catch((error: Error) => {
    throw refuse(error.message);
  });
  // YAML holds JSON, so one reader does for both.
  const document = parseDocument(text, { uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) throw refuse(problem.message);
  return document.toJS({ maxAliasCount: 10 });
}

function described(one: Environment): string {
  return facts({
    environment: one.name,
    role: one.role,
    state: one.state,
    address: one.address,
    release: short(one.release),
    fingerprint: short(one.fingerprint),
    "newest promotion": one.promotion === null ? "none" : `${one.promotion.id}, ${one.promotion.status}`,
    "verified backup": describeLastVerified(one.lastVerifiedBackup),
    policy: Object.entries(one.policy)
      .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(", "),
  });
}
