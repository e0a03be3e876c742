/** People: who there is, what they hold, and by what others vouch for them; kept by whoever may administer everything. */
import { createRoute, z } from "@hono/zod-openapi";
import { listIdentities, listPeople, readPerson } from "../../../io/ledger/people.ts";
import { addPerson, bindIdentity, changeDisabled, changeRoles, unbindIdentity } from "../../people.ts";
import { personName } from "../../person-name.ts";
import { access } from "../access.ts";
import { jsonAnswer, jsonBody, refused } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { grantsSchema, identitySchema, personSchema, shownPerson } from "../person.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

const pages = pagesOf("people", personName);

const params = z.object({ name: personName });
const tags = ["People"];
const one = (description: string) => jsonAnswer(personSchema, description);

const list = createRoute({
  method: "get",
  path: "/people",
  operationId: "listPeople",
  ...access("administer", "service"),
  tags,
  summary: "All people, by name",
  request: { query: z.object(pages.query) },
  responses: {
    200: jsonAnswer(z.object({ people: z.array(personSchema), next }), "By name"),
    ...refused,
  },
});

const create = createRoute({
  method: "post",
  path: "/people",
  operationId: "addPerson",
  ...access("administer", "service"),
  tags,
  summary: "Add a person, with the roles they hold",
  request: jsonBody(z.strictObject({ name: personName, grants: grantsSchema.default([]) })),
  responses: { 201: one("The person"), ...refusals("PersonExists", "NotFound") },
});

const roles = createRoute({
  method: "put",
  path: "/people/{name}/roles",
  operationId: "changeRoles",
  ...access("administer", "service"),
  tags,
  summary: "Give a person these roles in place of those they hold",
  request: { params, ...jsonBody(z.strictObject({ grants: grantsSchema })) },
  responses: { 200: one("The person"), ...refusals("NotFound", "LastAdmin") },
});

const disable = createRoute({
  method: "post",
  path: "/people/{name}/disable",
  operationId: "disablePerson",
  ...access("administer", "service"),
  tags,
  summary: "Let none of a person's credentials open anything from now on",
  request: { params },
  responses: { 200: one("The person"), ...refusals("NotFound", "LastAdmin") },
});

const enable = createRoute({
  method: "post",
  path: "/people/{name}/enable",
  operationId: "enablePerson",
  ...access("administer", "service"),
  tags,
  summary: "Let a person's credentials work again",
  request: { params },
  responses: { 200: one("The person"), ...refusals("NotFound") },
});

const identities = jsonAnswer(z.object({ identities: z.array(identitySchema) }), "By issuer");

const listBound = createRoute({
  method: "get",
  path: "/people/{name}/identities",
  operationId: "listIdentities",
  ...access("administer", "service"),
  tags,
  summary: "By what issuers of tokens, and AWS, know a person",
  request: { params },
  responses: { 200: identities, ...refusals("NotFound") },
});

const bind = createRoute({
  method: "post",
  path: "/people/{name}/identities",
  operationId: "bindIdentity",
  ...access("administer", "service"),
  tags,
  summary: "Take whoever an issuer vouches for under that subject for this person",
  request: { params, ...jsonBody(identitySchema) },
  responses: { 200: identities, ...refusals("NotFound", "IdentityTaken") },
});

const unbind = createRoute({
  method: "post",
  path: "/people/{name}/identities/remove",
  operationId: "unbindIdentity",
  ...access("administer", "service"),
  tags,
  summary: "Take them for this person no more",
  request: { params, ...jsonBody(identitySchema) },
  responses: { 200: identities, ...refusals("NotFound") },
});

export const peopleRoutes = api()
  .openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid("query");
    const found = await listPeople(await c.var.ledger(), {
      limit: pages.rows(limit),
      ...(cursor !== undefined && { after: cursor }),
    });
    const { entries, next } = pages.cut(found, limit, ({ name }) => name);
    return c.json({ people: entries.map(shownPerson), next }, 200);
  })
  .openapi(create, async (c) =>
    c.json(shownPerson(await addPerson(await c.var.ledger(), c.req.valid("json"), c.var.actor)), 201),
  )
  .openapi(roles, async (c) => {
    const wanted = { ...c.req.valid("param"), ...c.req.valid("json") };
    return c.json(shownPerson(await changeRoles(await c.var.ledger(), wanted, c.var.actor)), 200);
  })
  .openapi(disable, async (c) => {
    const wanted = { ...c.req.valid("param"), disabled: true };
    return c.json(shownPerson(await changeDisabled(await c.var.ledger(), wanted, c.var.actor)), 200);
  })
  .openapi(enable, async (c) => {
    const wanted = { ...c.req.valid("param"), disabled: false };
    return c.json(shownPerson(await changeDisabled(await c.var.ledger(), wanted, c.var.actor)), 200);
  })
  .openapi(listBound, async (c) => {
    const ledger = await c.var.ledger();
    const { name } = await readPerson(ledger, c.req.valid("param").name);
    return c.json({ identities: await listIdentities(ledger, name) }, 200);
  })
  .openapi(bind, async (c) => {
    const ledger = await c.var.ledger();
    const { name } = c.req.valid("param");
    await bindIdentity(ledger, { name, ...c.req.valid("json") }, c.var.actor);
    return c.json({ identities: await listIdentities(ledger, name) }, 200);
  })
  .openapi(unbind, async (c) => {
    const ledger = await c.var.ledger();
    const { name } = c.req.valid("param");
    await unbindIdentity(ledger, { name, ...c.req.valid("json") }, c.var.actor);
    return c.json({ identities: await listIdentities(ledger, name) }, 200);
  });
