/** Destinations of notices: who is told, of what, whether it arrived, and again what did not. */
import { createRoute, z } from "@hono/zod-openapi";
import { DESTINATIONS, destinationSchema } from "../../../core/destination.ts";
import { NOTICES } from "../../../core/notice.ts";
import { type ListedDelivery, listDeliveries } from "../../../io/ledger/deliveries.ts";
import { type Destination, listDestinations, readDestination } from "../../../io/ledger/destinations.ts";
import { access } from "../access.ts";
import { environmentName, instant, jsonAnswer, jsonBody } from "../answer.ts";
import { next, pagesOf } from "../paging.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

/** The same letters as an environment's name. */
const params = z.object({ name: environmentName });

const pages = pagesOf("destinations", environmentName);
const deliveryPages = pagesOf("deliveries", z.string().regex(/^[1-9][0-9]{0,14}$/));

const tags = ["Notices"];

/** Loaded on first use: few ask, and it brings what sends. */
const work = () => import("../../destinations.ts");

const shape = z.object({
  name: environmentName,
  kind: z.enum(DESTINATIONS),
  /** Where it is, as far as people may see: an origin, or a mailbox. */
  address: z.string(),
  /** Null is all. */
  environments: z.array(z.string()).nullable(),
  notices: z.array(z.enum(NOTICES)),
  changedBy: z.string(),
  changedAt: instant,
  /** Why nothing is sent there any more; null while it is. */
  disabled: z.object({ at: instant, because: z.string() }).nullable(),
  waiting: z.int(),
  dead: z.int(),
});
const destination = shape.openapi("Destination");

const delivery = z
  .object({
    /** The event's number in the log. */
    seq: z.int(),
    /** As a webhook carries it, in every attempt. */
    id: z.string(),
    type: z.string(),
    environment: z.string().nullable(),
    promotion: z.string().nullable(),
    status: z.enum(["waiting", "delivered", "dead"]),
    attempts: z.int(),
    /** When it is tried next; null when it is not. */
    dueAt: instant.nullable(),
    /** Why the newest attempt failed. */
    error: z.string().nullable(),
    createdAt: instant,
    endedAt: instant.nullable(),
  })
  .openapi("Delivery");

const list = createRoute({
  method: "get",
  path: "/destinations",
  operationId: "listDestinations",
  ...access("administer", "service"),
  tags,
  summary: "Who is told of what, by name",
  request: { query: z.object(pages.query) },
  responses: {
    200: jsonAnswer(z.object({ destinations: z.array(destination), next }), "By name"),
    ...refusals(),
  },
});

const put = createRoute({
  method: "put",
  path: "/destinations/{name}",
  operationId: "putDestination",
  ...access("administer", "service"),
  tags,
  summary: "Register a destination, or replace what stands under its name",
  request: { params, ...jsonBody(destinationSchema) },
  responses: {
    200: jsonAnswer(
      shape.extend({ secret: z.string().optional() }).openapi("PutDestination"),
      "With what a webhook is signed with, where that is new; it is told this once",
    ),
    ...refusals("EmailSenderMissing", "DestinationChanged"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/destinations/{name}",
  operationId: "removeDestination",
  ...access("administer", "service"),
  tags,
  summary: "Tell it nothing any more, not even what is on its way",
  request: { params },
  responses: { 204: { description: "It is removed" }, ...refusals("NotFound") },
});

const test = createRoute({
  method: "post",
  path: "/destinations/{name}/test",
  operationId: "testDestination",
  ...access("administer", "service"),
  tags,
  summary: "Send a word there now, once",
  request: { params },
  responses: {
    200: jsonAnswer(
      z.object({ delivered: z.boolean(), error: z.string().nullable() }),
      "Whether it arrived, and if not, why",
    ),
    ...refusals("NotFound"),
  },
});

const deliveries = createRoute({
  method: "get",
  path: "/destinations/{name}/deliveries",
  operationId: "listDeliveries",
  ...access("administer", "service"),
  tags,
  summary: "What was sent there, what waits, and what was given up; the newest first",
  request: {
    params,
    query: z.object({ status: delivery.shape.status.optional(), ...deliveryPages.query }),
  },
  responses: {
    200: jsonAnswer(z.object({ deliveries: z.array(delivery), next }), "Deliveries"),
    ...refusals("NotFound"),
  },
});

const redeliverRoute = createRoute({
  method: "post",
  path: "/destinations/{name}/redeliver",
  operationId: "redeliver",
  ...access("administer", "service"),
  tags,
  summary: "Send again what was given up, with the same ids",
  request: { params },
  responses: {
    200: jsonAnswer(z.object({ count: z.int() }), "How many wait again"),
    ...refusals("NotFound", "DestinationDisabled"),
  },
});

export const destinationRoutes = api()
  .openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid("query");
    const found = await listDestinations(await c.var.ledger(), {
      limit: pages.rows(limit),
      ...(cursor !== undefined && { after: cursor }),
    });
    const { entries, next } = pages.cut(found, limit, ({ name }) => name);
    return c.json({ destinations: entries.map(shown), next }, 200);
  })
  .openapi(put, async (c) => {
    const { name } = c.req.valid("param");
    const { registerDestination } = await work();
    const { destination, secret } = await registerDestination(
      await c.var.ledger(),
      name,
      c.req.valid("json"),
      c.var.person,
    );
    const body = { ...shown(destination), ...(secret !== undefined && { secret }) };
    return c.json(body, 200, { "cache-control": "no-store" });
  })
  .openapi(remove, async (c) => {
    const { unregisterDestination } = await work();
    await unregisterDestination(await c.var.ledger(), c.req.valid("param").name, c.var.person);
    return c.body(null, 204);
  })
  .openapi(test, async (c) => {
    const { tryDestination } = await work();
    const error = await tryDestination(await c.var.ledger(), c.req.valid("param").name, c.var.person);
    return c.json({ delivered: error === undefined, error: error ?? null }, 200);
  })
  .openapi(deliveries, async (c) => {
    const { name } = c.req.valid("param");
    const { status, cursor, limit } = c.req.valid("query");
    const ledger = await c.var.ledger();
    await readDestination(ledger, name);
    const found = await listDeliveries(ledger, {
      destination: name,
      limit: deliveryPages.rows(limit),
      ...(status !== undefined && { status }),
      ...(cursor !== undefined && { before: Number(cursor) }),
    });
    const { entries, next } = deliveryPages.cut(found, limit, ({ seq }) => String(seq));
    return c.json({ deliveries: entries.map(shownDelivery), next }, 200);
  })
  .openapi(redeliverRoute, async (c) => {
    const { redeliver } = await work();
    const count = await redeliver(await c.var.ledger(), c.req.valid("param").name, c.var.person);
    return c.json({ count }, 200);
  });

function shown(one: Destination): z.input<typeof destination> {
  const { name, kind, address, environments, notices, changedBy, waiting, dead } = one;
  const disabled =
    one.disabledAt === null
      ? null
      : { at: one.disabledAt.toISOString(), because: one.disabledBecause ?? "it was disabled" };
  const changedAt = one.changedAt.toISOString();
  return { name, kind, address, environments, notices, changedBy, changedAt, disabled, waiting, dead };
}

function shownDelivery(one: ListedDelivery): z.input<typeof delivery> {
  const { seq, id, type, environment, promotion, status, attempts, error } = one;
  return {
    ...{ seq, id, type, environment, promotion, status, attempts, error },
    dueAt: status === "waiting" ? one.dueAt.toISOString() : null,
    createdAt: one.createdAt.toISOString(),
    endedAt: one.endedAt?.toISOString() ?? null,
  };
}
