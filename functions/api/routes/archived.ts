/** The word of an application that records were archived. It is noted, and changes nothing by itself: the record is asked of the database. */
import { createRoute, z } from "@hono/zod-openapi";
import { readEnvironment } from "../../../io/ledger/environments.ts";
import { tellArchived } from "../../tell-archived.ts";
import { access } from "../access.ts";
import { environmentName, jsonAnswer, jsonBody } from "../answer.ts";
import { policyName, recordKey } from "../prune.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

/** Records that one request may tell of. */
const TOLD = 500;

const tell = createRoute({
  method: "post",
  path: "/environments/{name}/archived",
  operationId: "tellArchived",
  ...access("promote", "environment"),
  tags: ["Prunes"],
  summary: "Tell that records were archived; told again it is the same word",
  description:
    "For applications that have no event bus and no outbox. What is told is taken up at once, and looked at in the database: an early, repeated, late or wrong word has nothing deleted that the policy would not have go.",
  request: {
    params: z.object({ name: environmentName }),
    ...jsonBody(
      z.strictObject({
        records: z
          .array(
            z.strictObject({
              policy: policyName,
              record: recordKey,
              /** The caller's name for the word, which tells a repetition; made up when left out. */
              id: z.string().min(1).max(200).optional(),
            }),
          )
          .min(1)
          .max(TOLD),
      }),
    ),
  },
  responses: {
    202: jsonAnswer(
      z.object({ told: z.int(), known: z.int() }),
      "How many words were new, and how many came before",
    ),
    ...refusals("NotFound"),
  },
});

export const archivedRoutes = api().openapi(tell, async (c) => {
  const ledger = await c.var.ledger();
  const environment = await readEnvironment(ledger, c.req.valid("param").name);
  const records = c.req
    .valid("json")
    .records.map(({ id, ...word }) => ({ ...word, ...(id !== undefined && { id }) }));
  const told = await tellArchived(ledger, environment.name, records);
  return c.json({ told, known: records.length - told }, 202);
});
