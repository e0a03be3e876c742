/** Adoptions: a database that another tool has migrated is taken over, its history proved by a replay. */
import { createRoute, z } from "@hono/zod-openapi";
import { HISTORY_TOOLS } from "../../../core/formats/history-tools.ts";
import { startAdoption } from "../../task-start.ts";
import { access } from "../access.ts";
import { environmentName, jsonBody, keyHeader, releaseHash } from "../answer.ts";
import { api } from "../request.ts";
import { answerStarted, askerOf, startedAnswers } from "../task.ts";

const adopt = createRoute({
  method: "post",
  path: "/environments/{name}/adoptions",
  operationId: "startAdoption",
  ...access("promote", "environment"),
  tags: ["Tasks"],
  summary: "Record what another tool has applied, after a replay has made the same shape",
  request: {
    headers: keyHeader,
    params: z.object({ name: environmentName }),
    ...jsonBody(
      z
        .strictObject({
          release: releaseHash,
          /** Whose history is read; the release's format when left out. */
          tool: z.enum(HISTORY_TOOLS).optional(),
          /** The last migration that is there, where no history says. */
          baseline: z.string().min(1).max(1024).optional(),
        })
        .refine(
          ({ tool, baseline }) => tool === undefined || baseline === undefined,
          "tool or baseline, not both",
        ),
    ),
  },
  responses: startedAnswers("NotFound", "EnvironmentLocked"),
});

export const adoptionRoutes = api().openapi(adopt, async (c) => {
  const { release, tool, baseline } = c.req.valid("json");
  const request = {
    environment: c.req.valid("param").name,
    release,
    ...(tool !== undefined && { tool }),
    ...(baseline !== undefined && { baseline }),
  };
  return answerStarted(
    c,
    await startAdoption(await c.var.ledger(), request, askerOf(c, c.req.valid("header"))),
  );
});
