/** The least that an answer by Hono on Lambda costs: one route, without a door, a ledger or a person. */
import { Hono } from "hono";
import { handle } from "hono/aws-lambda";

const app = new Hono().get("/", (c) => c.json({ status: "ok" }));

export const handler = handle(app);
