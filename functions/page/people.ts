/** People, their roles and their keys, for whoever administers everything. */
import * as z from "zod";
import { ACCESS_ROLES, EVERYWHERE } from "../../core/access.ts";
import { listEnvironments } from "../../io/ledger/environments.ts";
import { listIssuers } from "../../io/ledger/issuers.ts";
import { listKeys } from "../../io/ledger/keys.ts";
import { listPeople } from "../../io/ledger/people.ts";
import type { Refusal } from "../../web/console/alert.ts";
import { type PeopleView, peopleView } from "../../web/console/people.ts";
import { guard } from "../api/access.ts";
import { environmentName } from "../api/answer.ts";
import { createKey, revoke } from "../keys.ts";
import { changeDisabled, changeRoleIn } from "../people.ts";
import { personName } from "../person-name.ts";
import { formOf, ID, optional } from "./doors.ts";
import { formSecret, type PageContext, PREFIX, pages } from "./request.ts";
import { act, attempt, show } from "./show.ts";

/** Rows of each list; the command tells of more. */
const SHOWN = 200;

const DAY = 86_400_000;

const where = environmentName.or(z.literal(EVERYWHERE));

const roleForm = z.object({
  person: personName,
  environment: where,
  role: z.enum([...ACCESS_ROLES, "none"]),
});

const keyForm = z.object({
  person: personName,
  label: z.string().trim().min(1).max(100),
  role: optional(z.enum(ACCESS_ROLES)),
  environment: where,
  days: optional(z.coerce.number().int().min(1).max(3_650)),
});

const PERSON = ":name{[a-z0-9][a-z0-9._@+-]{0,79}}";

const admin = guard({ permission: "administer", of: "service" });

const HERE = `${PREFIX}/people`;

export const peoplePages = pages()
  .get("/people", admin, (c) => peoplePage(c, { notice: DONE.get(c.req.query("done") ?? "") }))
  .post("/people/roles", admin, (c) =>
    act(
      c,
      async () => {
        const { person: name, environment, role } = await formOf(c, roleForm);
        const wanted = { name, environment, role: role === "none" ? null : role };
        await changeRoleIn(await c.var.ledger(), wanted, c.var.actor);
        return `${HERE}?done=role`;
      },
      (refused) => peoplePage(c, refused),
    ),
  )
  .post(`/people/${PERSON}/disable`, admin, (c) => disabling(c, c.req.param("name"), true))
  .post(`/people/${PERSON}/enable`, admin, (c) => disabling(c, c.req.param("name"), false))
  // The answer itself and no redirect: an address would carry the key into histories and logs.
  .post("/people/keys", admin, (c) =>
    attempt(
      c,
      async () => peoplePage(c, { made: await makeKey(c) }),
      (refused) => peoplePage(c, refused),
    ),
  )
  .post(`/people/keys/${ID}/revoke`, admin, (c) =>
    act(
      c,
      async () => {
        await revoke(await c.var.ledger(), c.req.param("id"), c.var.actor);
        return `${HERE}?done=revoked`;
      },
      (refused) => peoplePage(c, refused),
    ),
  );

const DONE = new Map([
  ["role", "The role is set."],
  ["revoked", "The key opens nothing any more, and sessions that began with it have ended."],
  ["disabled", "No credential of theirs opens anything any more."],
  ["enabled", "Their credentials work again."],
]);

async function makeKey(c: PageContext): Promise<PeopleView["made"]> {
  const { person, label, role, environment, days } = await formOf(c, keyForm);
  const { row, key } = await createKey(
    await c.var.ledger(),
    {
      ...{ person, label },
      ...(role !== undefined && { scope: [{ environment, role }] }),
      ...(days !== undefined && { expiresAt: new Date(Date.now() + days * DAY) }),
    },
    c.var.actor,
  );
  return { id: row.id, person, key };
}

function disabling(c: PageContext, name: string, disabled: boolean): Promise<Response> {
  return act(
    c,
    async () => {
      await changeDisabled(await c.var.ledger(), { name, disabled }, c.var.actor);
      return `${HERE}?done=${disabled ? "disabled" : "enabled"}`;
    },
    (refused) => peoplePage(c, refused),
  );
}

interface Told extends Pick<PeopleView, "made" | "notice"> {
  refusal?: Refusal;
  status?: number;
}

async function peoplePage(c: PageContext, { status, ...told }: Told): Promise<Response> {
  const ledger = await c.var.ledger();
  const people = await listPeople(ledger, { limit: SHOWN });
  const issuers = await listIssuers(ledger);
  const main = peopleView({
    people: people.map((person) => ({ ...person, disabled: person.disabledAt !== null })),
    keys: await listKeys(ledger, { limit: SHOWN }),
    issuers: issuers.map(({ name, settings }) => ({
      name,
      kind: settings.kind,
      url: settings.url,
      audiences: settings.audiences,
    })),
    environments: (await listEnvironments(ledger)).map(({ name }) => name),
    ...{ now: new Date(), csrf: formSecret(c) },
    ...told,
  });
  return show(c, { title: "People", main, status });
}
