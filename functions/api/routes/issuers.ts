/** Issuers of tokens: registered, changed, listed and removed by whoever administers everything. */
import { createRoute, z } from "@hono/zod-openapi";
import { RehearsalError } from "../../../core/errors.ts";
import { type Issuer, issuerSchema, peopleOfTrusts } from "../../../core/issuer.ts";
import { appendEvent, lockLog } from "../../../io/ledger/events.ts";
import { findIssuerByName, listIssuers, putIssuer, removeIssuer } from "../../../io/ledger/issuers.ts";
import { findPerson } from "../../../io/ledger/people.ts";
import type { Session } from "../../../io/postgres/session.ts";
import { localIssuers } from "../../identity/token.ts";
import { A_PERSON_WAITS, trySending } from "../../outbox.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody, refused } from "../answer.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

/** The same letters as an environment's name. */
const params = z.object({ name: environmentName });

const namedSchema = z.object({ name: environmentName, settings: issuerSchema }).openapi("Issuer");

const list = createRoute({
  method: "get",
  path: "/issuers",
  operationId: "listIssuers",
  ...access("administer", "service"),
  tags: ["People"],
  summary: "The issuers whose tokens are taken, and the pipelines that are trusted",
  responses: { 200: jsonAnswer(z.object({ issuers: z.array(namedSchema) }), "By name"), ...refused },
});

const put = createRoute({
  method: "put",
  path: "/issuers/{name}",
  operationId: "putIssuer",
  ...access("administer", "service"),
  tags: ["People"],
  summary: "Register an issuer, or replace what stands under its name",
  request: { params, ...jsonBody(issuerSchema) },
  responses: {
    200: jsonAnswer(namedSchema, "The issuer, with every default"),
    ...refusals("IssuerExists", "NotFound"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/issuers/{name}",
  operationId: "removeIssuer",
  ...access("administer", "service"),
  tags: ["People"],
  summary: "Take none of its tokens any more; the people that its subjects are mapped to stay mapped",
  request: { params },
  responses: { 204: { description: "It is removed" }, ...refusals("NotFound") },
});

export const issuerRoutes = api()
  .openapi(list, async (c) => {
    return c.json({ issuers: await listIssuers(await c.var.ledger()) }, 200);
  })
  .openapi(put, async (c) => {
    const { name } = c.req.valid("param");
    const settings = c.req.valid("json");
    assertReachable(settings);
    const ledger = await c.var.ledger();
    await ledger.transaction(async () => {
      await lockLog(ledger);
      await assertPeople(ledger, settings);
      const before = (await findIssuerByName(ledger, name))?.settings ?? null;
      await putIssuer(ledger, name, settings, c.var.person);
      const data = { issuer: name, before, after: settings, by: c.var.person };
      await appendEvent(ledger, { type: "issuer.changed", data });
    });
    await trySending(ledger, A_PERSON_WAITS);
    return c.json({ name, settings }, 200);
  })
  .openapi(remove, async (c) => {
    const { name } = c.req.valid("param");
    const ledger = await c.var.ledger();
    await ledger.transaction(async () => {
      await lockLog(ledger);
      const before = (await findIssuerByName(ledger, name))?.settings;
      if (!(await removeIssuer(ledger, name))) throw new RehearsalError("NotFound", { what: "issuer", name });
      await appendEvent(ledger, {
        type: "issuer.removed",
        data: { issuer: name, before, by: c.var.person },
      });
    });
    await trySending(ledger, A_PERSON_WAITS);
    return c.body(null, 204);
  });

/** Throws `InputInvalid` for an issuer on this machine, where the service is not one that runs on a machine. */
function assertReachable({ url }: Issuer): void {
  if (url.startsWith("https://") || localIssuers()) return;
  throw new RehearsalError("InputInvalid", {
    what: "the issuer",
    problems: "url: it is on https; http is only for a service that runs on one machine with its issuer",
  });
}

/** Throws `NotFound` for the first person that a trust names and nobody made. */
async function assertPeople(ledger: Session, settings: Issuer): Promise<void> {
  for (const name of peopleOfTrusts(settings))
    if ((await findPerson(ledger, name)) === undefined)
      throw new RehearsalError("NotFound", { what: "person", name });
}
