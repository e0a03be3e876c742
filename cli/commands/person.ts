/** `rehearsal person`: who there is, what they hold, and by what issuers of tokens know them. */
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { grantsOf, peopleTable, personFacts, ROLES_HELP } from "../access-text.ts";
import { identities, people, person } from "../answers.ts";
import type { Act, Declare } from "../command.ts";
import { everyPage } from "../paging.ts";
import { columns } from "../text.ts";

export const personCommand: Declare = (act) =>
  new Command("person")
    .description("People and their roles; an admin's")
    .addCommand(addCommand(act))
    .addCommand(listCommand(act))
    .addCommand(rolesCommand(act))
    .addCommand(disableCommand(act))
    .addCommand(enableCommand(act))
    .addCommand(identityCommand(act));

const path = (name: string, rest: string) => `/people/${encodeURIComponent(name)}${rest}`;

const addCommand = (act: Act) =>
  new Command("add")
    .description("Add a person")
    .argument("<name>", "lower-case letters, digits and . _ @ + -")
    .argument("[roles...]", ROLES_HELP)
    .action(
      act(async (context, name: string, roles: string[], _: object) => {
        const body = { name, grants: grantsOf(roles) };
        const made = await (await context.client()).post("/people", body, person);
        const then = `give them a key with: rehearsal key create --person ${made.name} --label …`;
        return { value: made, text: `${personFacts(made)}\n${then}` };
      }),
    );

const listCommand = (act: Act) =>
  new Command("list").description("All people, with their roles").action(
    act(async (context, _: object) => {
      const all = await everyPage(await context.client(), "/people", people, (page) => page.people);
      return { value: { people: all }, text: peopleTable(all) };
    }),
  );

const rolesCommand = (act: Act) =>
  new Command("roles")
    .description("Give a person these roles in place of those they hold")
    .argument("<name>")
    .argument("[roles...]", ROLES_HELP)
    .option("--none", "take every role away")
    .action(
      act(async (context, name: string, roles: string[], { none }: { none?: boolean }) => {
        if ((roles.length === 0) !== (none === true))
          throw new RehearsalError("InputInvalid", {
            what: "the command line",
            problems: "name the roles they are to hold from now on, or say --none",
          });
        const client = await context.client();
        const changed = await client.put(path(name, "/roles"), { grants: grantsOf(roles) }, person);
        return { value: changed, text: personFacts(changed) };
      }),
    );

const disableCommand = (act: Act) =>
  new Command("disable")
    .description("Let none of a person's credentials open anything from now on")
    .argument("<name>")
    .action(
      act(async (context, name: string, _: object) => {
        const changed = await (await context.client()).post(path(name, "/disable"), {}, person);
        return { value: changed, text: personFacts(changed) };
      }),
    );

const enableCommand = (act: Act) =>
  new Command("enable")
    .description("Let a person's credentials work again")
    .argument("<name>")
    .action(
      act(async (context, name: string, _: object) => {
        const changed = await (await context.client()).post(path(name, "/enable"), {}, person);
        return { value: changed, text: personFacts(changed) };
      }),
    );

const identityCommand = (act: Act) =>
  new Command("identity")
    .description("Whom a person is to issuers of tokens and to AWS; with both words, one more")
    .argument("<name>")
    .argument("[issuer]", "the issuer's URL, as its tokens have it; aws-iam for roles and users of AWS")
    .argument("[subject]", "what its tokens call the person; an ARN")
    .option("--remove", "take them for this person no more")
    .action(
      act(
        async (
          context,
          name: string,
          issuer: string | undefined,
          subject: string | undefined,
          { remove }: { remove?: boolean },
        ) => {
          const client = await context.client();
          const at = path(name, "/identities");
          const given = issuer !== undefined && subject !== undefined;
          if (!given && (issuer !== undefined || remove === true))
            throw new RehearsalError("InputInvalid", {
              what: "the command line",
              problems: "an identity is an issuer and a subject",
            });
          const bound = given
            ? await client.post(remove ? `${at}/remove` : at, { issuer, subject }, identities)
            : await client.get(at, identities);
          const rows = bound.identities.map((one) => [one.issuer, one.subject]);
          const text = rows.length === 0 ? "none" : columns([["ISSUER", "SUBJECT"], ...rows]);
          return { value: bound, text };
        },
      ),
    );
