/** Work with a release or a database beside promotions: a replay of the one, a baseline of the other. */
import { createRoute, z } from "@hono/zod-openapi";
import { startBaseline, startReplay, startSquash } from "../../task-start.ts";
import { access } from "../access.ts";
import { environmentName, jsonBody, keyHeader, releaseHash } from "../answer.ts";
import { api } from "../request.ts";
import { answerStarted, askerOf, startedAnswers } from "../task.ts";

const started = startedAnswers("NotFound", "EnvironmentFenced");

const params = z.object({ name: environmentName });

const replay = createRoute({
  method: "post",
  path: "/environments/{name}/replays",
  operationId: "startReplay",
  ...access("promote", "environment"),
  tags: ["Tasks"],
  summary:
    "Run a release from nothing in a database of its own; the task's files are schema.lock.json and schema.md",
  request: { headers: keyHeader, params, ...jsonBody(z.strictObject({ release: releaseHash })) },
  responses: started,
});

const squash = createRoute({
  method: "post",
  path: "/environments/{name}/squashes",
  operationId: "startSquash",
  ...access("promote", "environment"),
  tags: ["Tasks"],
  summary: "Prove that one release's squashes make what the migrations of another make",
  request: {
    headers: keyHeader,
    params,
    ...jsonBody(z.strictObject({ before: releaseHash, after: releaseHash })),
  },
  responses: started,
});

const baseline = createRoute({
  method: "post",
  path: "/environments/{name}/baselines",
  operationId: "startBaseline",
  ...access("promote", "environment"),
  tags: ["Tasks"],
  summary: "Count and hash what every table holds; the task's file is baseline.json",
  request: { headers: keyHeader, params },
  responses: started,
});

export const replayRoutes = api()
  .openapi(replay, async (c) => {
    const request = { environment: c.req.valid("param").name, release: c.req.valid("json").release };
    return answerStarted(
      c,
      await startReplay(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
    );
  })
  .openapi(squash, async (c) => {
    const request = { environment: c.req.valid("param").name, ...c.req.valid("json") };
    return answerStarted(
      c,
      await startSquash(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
    );
  })
  .openapi(baseline, async (c) => {
    const environment = c.req.valid("param").name;
    return answerStarted(
      c,
      await startBaseline(await c.var.ledger(), { environment }, askerOf(c, c.req.valid("header"))),
    );
  });
