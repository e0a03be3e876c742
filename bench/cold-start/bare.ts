/** The least that health costs with Hono on Lambda: one route in one file, bundled as the API is. */
import { Hono } from "hono";
import { handle } from "hono/aws-lambda";

const app = new Hono().get("/health", (c) => c.json({ status: "ok" }));

export const handler = handle(app);
