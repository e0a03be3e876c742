/** `rehearsal issuer`: who vouches for people and pipelines by tokens. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { parseDocument } from "yaml";
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import { type Issuer, issuerSchema, SIGNATURES } from "../../core/issuer.ts";
import type { Act, Context, Declare } from "../command.ts";
import { columns, facts } from "../text.ts";

export const issuerCommand: Declare = (act) =>
  new Command("issuer")
    .description("Who vouches for people and pipelines by tokens of OpenID Connect")
    .addCommand(addCommand(act))
    .addCommand(listCommand(act))
    .addCommand(removeCommand(act));

const named = z.object({ name: z.string(), settings: issuerSchema });

interface AddOptions {
  kind: Issuer["kind"];
  audience: string[];
  url?: string;
  trusts?: string;
  algorithm?: string[];
  tolerance?: number;
  maxAge?: number;
}

const addCommand = (act: Act) =>
  new Command("add")
    .description("Register an issuer, or replace what stands under its name")
    .argument("<name>", "lower-case letters, digits and hyphens")
    .addOption(
      new Option("--kind <kind>", "whom its tokens are of")
        .choices(["people", "github", "gitlab"])
        .makeOptionMandatory(),
    )
    .requiredOption("--audience <audience...>", 'what its tokens must say they are for: their "aud"')
    .option(
      "--url <url>",
      'its address, as the "iss" of its tokens; left out, that of github.com or gitlab.com',
    )
    .option("--trusts <file>", "the pipelines that are trusted, as YAML or JSON: see docs/credentials.md")
    .addOption(new Option("--algorithm <name...>", "how its tokens may be signed").choices(SIGNATURES))
    .option("--tolerance <seconds>", "how far clocks may be apart, 60 at most", Number)
    .option("--max-age <seconds>", "how old a token may be, however long it says that it lives", Number)
    .action(
      act(async (context, name: string, options: AddOptions) => {
        const settings = {
          kind: options.kind,
          ...(options.url !== undefined && { url: options.url }),
          audiences: options.audience,
          ...(options.algorithm !== undefined && { algorithms: options.algorithm }),
          ...(options.tolerance !== undefined && { toleranceSeconds: options.tolerance }),
          ...(options.maxAge !== undefined && { maxAgeSeconds: options.maxAge }),
          ...(options.trusts !== undefined && { trusts: await readTrusts(context, options.trusts) }),
        };
        if (options.kind !== "people" && options.trusts === undefined)
          throw invalid(
            "without --trusts it would vouch for nothing: docs/credentials.md tells what stands in the file",
          );
        const client = await context.client();
        const put = await client.put(`/issuers/${encodeURIComponent(name)}`, checked(settings), named);
        return { value: put, text: described(put) };
      }),
    );

const listCommand = (act: Act) =>
  new Command("list").description("All issuers, and the pipelines that are trusted").action(
    act(async (context, _: object) => {
      const client = await context.client();
      const all = await client.get("/issuers", z.object({ issuers: z.array(named) }));
      const rows = all.issuers.map(({ name, settings }) => [
        name,
        settings.kind,
        settings.url,
        settings.audiences.join(" "),
        settings.kind === "people" ? "" : settings.trusts.map(({ person }) => person).join(" "),
      ]);
      const none = 'no issuer is registered; "rehearsal issuer add" registers one';
      const head = ["NAME", "KIND", "URL", "AUDIENCES", "TRUSTS SPEAK AS"];
      return { value: all, text: rows.length === 0 ? none : columns([head, ...rows]) };
    }),
  );

const removeCommand = (act: Act) =>
  new Command("remove")
    .description("Take none of its tokens any more")
    .argument("<name>")
    .action(
      act(async (context, name: string, _: object) => {
        const client = await context.client();
        await client.delete(`/issuers/${encodeURIComponent(name)}`);
        return {
          value: { name, removed: true },
          text: `${name} is removed; its tokens are refused from now on`,
        };
      }),
    );

/** Refused here as the service would, before anything travels; throws `InputInvalid`. */
function checked(settings: object): Issuer {
  const parsed = issuerSchema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const told = ({ path, message }: z.core.$ZodIssue) =>
    path.length ? `${path.join(".")}: ${message}` : message;
  throw invalid(parsed.error.issues.map(told).join("; "));
}

function invalid(problems: string): RehearsalError {
  return new RehearsalError("InputInvalid", { what: "the issuer", problems });
}

async function readTrusts({ folder }: Context, file: string): Promise<unknown> {
  const refuse = (problems: string) =>
    new RehearsalError("InputInvalid", { what: `the trusts in ${file}`, problems });
  const text = await readFile(resolve(folder, file), "utf8").catch((error: Error) => {
    throw refuse(error.message);
  });
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw refuse(problem.message);
  return document.toJS();
}

function described({ name, settings }: z.infer<typeof named>): string {
  const trusts =
    settings.kind === "people"
      ? null
      : settings.trusts.map(
          ({ person, pullRequest }) =>
            `${person}, ${pullRequest === "rehearse" ? "to rehearse alone" : "to promote"}`,
        );
  return facts({
    issuer: name,
    kind: settings.kind,
    url: settings.url,
    audiences: settings.audiences.join(", "),
    signatures: settings.algorithms.join(", "),
    trusts: trusts?.join("; "),
  });
}
