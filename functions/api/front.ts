/** The API as it is served: health at once, and each part of the rest read when the first request comes for it. */
import { Hono } from "hono";
import { getPath } from "hono/utils/url";
import { withoutIamPrefix } from "../identity/iam-prefix.ts";
import { HEALTHY } from "./health.ts";
import { PARTS } from "./parts.ts";
import type { ApiEnv } from "./request.ts";
import { requestLine } from "./request-line.ts";

/** Answers what `app` of `app.ts` would, without having read it. */
export const front = new Hono<ApiEnv>({ getPath: (request) => withoutIamPrefix(getPath(request)) });

front.onError(async (thrown, c) => (await import("./problem.ts")).onError(thrown, c));
// Whoever asks whether the service answers, asks often, and waits for no ledger.
front.get("/health", (c) => c.json(HEALTHY, 200));
front.use(requestLine);
// The page has its own doors, and a browser's session opens none of the API's.
front.all("/console/*", async (c) => (await import("../page/main.ts")).page.fetch(c.req.raw, c.env));
front.get("/", async (c, next) =>
  c.req.header("accept")?.includes("text/html") ? c.redirect("/console") : next(),
);
for (const { paths, read } of PARTS)
  for (const path of paths) front.all(path, async (c) => (await read()).fetch(c.req.raw, c.env));
