/** `rehearsal doctor`: is everything as it has to be, here, at the service and in a database; and what mends it where it is not. */
import { Command } from "commander";
import * as z from "zod";
import { type Check, checkSchema, clockCheck, failed, ok, warning } from "../../core/checkup.ts";
import { VERSION } from "../../core/version.ts";
import { mayText } from "../access-text.ts";
import { me } from "../answers.ts";
import type { Context, Declare, Outcome } from "../command.ts";
import { refusalOf } from "../refusal.ts";
import type { Terminal, Tint } from "../terminal.ts";
import { plain } from "../text.ts";

const serviceChecks = z.looseObject({
  version: z.string(),
  at: z.string(),
  checks: z.array(checkSchema),
});
const environmentChecks = z.looseObject({ checks: z.array(checkSchema) });

/** What Node 22 has is used everywhere. */
const NODE = 22;

export const doctorCommand: Declare = (act) =>
  new Command("doctor")
    .description("Check this machine, the service and an environment's database; each finding with its mend")
    .argument("[environment]", "whose database is looked at as well, by reading alone")
    .action(
      act(async (context, environment: string | undefined, _: object) => {
        const here = [nodeVersion()];
        const service = await serviceOf(context);
        const database =
          service.reached && environment !== undefined ? await databaseOf(context, environment) : [];
        return outcomeOf({ here, service: service.checks, database, environment }, context.terminal);
      }),
    );

function nodeVersion(): Check {
  const name = "Node";
  return Number(process.versions.node.split(".")[0]) >= NODE
    ? ok(name, process.version)
    : failed(name, `${process.version} is too old`, `install Node ${NODE} or newer: https://nodejs.org`);
}

async function serviceOf(context: Context): Promise<{ reached: boolean; checks: Check[] }> {
  try {
    const client = await context.client();
    const began = Date.now();
    const found = await client.post("/checks", {}, serviceChecks);
    const took = Date.now() - began;
    const checks = [
      ok("service", `${await context.service()} answered in ${took} ms`),
      versions(found.version),
      // It told the time at the end of its work.
      clockCheck("clock", Date.parse(found.at) - Date.now(), "this machine and the service"),
      await whoYouAre(context),
      ...found.checks,
    ];
    return { reached: true, checks };
  } catch (error) {
    const { message, hint } = refusalOf(error);
    return { reached: false, checks: [failed("service", message, hint)] };
  }
}

function versions(theirs: string): Check {
  const name = "versions";
  return theirs === VERSION
    ? ok(name, `the command and the service are ${VERSION}`)
    : warning(
        name,
        `the command is ${VERSION}, the service ${theirs}`,
        `npm install --save-dev rehearsal@${theirs}, or deploy the service anew`,
      );
}

async function whoYouAre(context: Context): Promise<Check> {
  const client = await context.client();
  const { person, credential, grants } = await client.get("/me", me);
  return ok("you", `${person}, by ${credential.kind} ${credential.id}; ${mayText(grants)}`);
}

async function databaseOf(context: Context, environment: string): Promise<Check[]> {
  const client = await context.client();
  const path = `/environments/${encodeURIComponent(environment)}/checks`;
  return (await client.post(path, {}, environmentChecks)).checks;
}

interface Findings {
  here: Check[];
  service: Check[];
  database: Check[];
  environment: string | undefined;
}

function outcomeOf({ here, service, database, environment }: Findings, terminal: Terminal): Outcome {
  const all = [...here, ...service, ...database];
  const count = (status: Check["status"]) => all.filter((check) => check.status === status).length;
  const sums = { ok: count("ok"), warnings: count("warning"), failed: count("failed") };
  const value = { ...sums, environment: environment ?? null, here, service, database };
  const text = [
    ...section("This machine", here, terminal),
    ...section("The service", service, terminal),
    ...section(`The database of "${environment}"`, database, terminal),
    `${sums.ok} in order, ${sums.warnings} to know of, ${sums.failed} failed`,
    ...(environment === undefined
      ? ['"rehearsal doctor NAME" looks at an environment\'s database as well']
      : []),
  ].join("\n");
  return { value, text, exit: sums.failed > 0 ? 1 : 0 };
}

const SIGNS: Record<Check["status"], [sign: string, ascii: string, tint: Tint]> = {
  ok: ["✓", "ok ", "green"],
  warning: ["!", "!  ", "yellow"],
  failed: ["✗", "x  ", "red"],
};

function section(title: string, checks: readonly Check[], { tintOut, unicode }: Terminal): string[] {
  if (checks.length === 0) return [];
  const lines = checks.flatMap(({ name, status, says, mend }) => {
    const [sign, ascii, tint] = SIGNS[status];
    const told = `${tintOut(tint, unicode ? sign : ascii)} ${plain(name)}: ${plain(says)}`;
    return mend === null ? [told] : [told, `    ${tintOut("bold", "mend:")} ${plain(mend)}`];
  });
  return [tintOut("bold", title), ...lines, ""];
}
