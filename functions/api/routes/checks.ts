/** Checks for people: what the service needs, and what a promotion would need of an environment, each with its mend. */
import { createRoute, z } from "@hono/zod-openapi";
import { type Actor, may, PERMISSIONS } from "../../../core/access.ts";
import { type Check, checked, checkSchema, ok } from "../../../core/checkup.ts";
import { VERSION } from "../../../core/version.ts";
import { askLook } from "../../ask-look.ts";
import { access } from "../access.ts";
import { environmentName, instant, jsonAnswer } from "../answer.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";

/** Made anew, for `openapi` is on those alone that are made after its package was loaded. */
const check = z.object(checkSchema.shape).openapi("Check");

const tags = ["Service"];

const service = createRoute({
  method: "post",
  path: "/checks",
  operationId: "checkService",
  ...access("read", "somewhere"),
  tags,
  summary: "Whether the service has what it needs: its database, bucket, state machines and secrets",
  responses: {
    200: jsonAnswer(
      z.object({
        version: z.string(),
        /** The service's clock. */
        at: instant,
        checks: z.array(check),
      }),
      "One entry for each thing that was looked at",
    ),
    ...refusals(),
  },
});

const environment = createRoute({
  method: "post",
  path: "/environments/{name}/checks",
  operationId: "checkEnvironment",
  ...access("read", "environment"),
  tags: ["Environments"],
  summary:
    "Whether an environment's database can be promoted: everything that a promotion would ask, by reading alone",
  request: { params: z.object({ name: environmentName }) },
  responses: {
    200: jsonAnswer(
      z.object({ environment: z.string(), checks: z.array(check) }),
      "One entry for each thing that was looked at",
    ),
    ...refusals("NotFound"),
  },
});

export const checkRoutes = api()
  .openapi(service, async (c) => {
    // Loaded on first use, as few ask.
    const { checkService } = await import("../../checkup.ts");
    const checks = await checkService(await c.var.ledger());
    const looks = await checked("looks", async () => {
      const began = performance.now();
      await askLook("presence", {});
      return `what looks into databases answered in ${Math.round(performance.now() - began)} ms`;
    });
    return c.json({ version: VERSION, at: new Date().toISOString(), checks: [...checks, looks] }, 200);
  })
  .openapi(environment, async (c) => {
    const { name } = c.req.valid("param");
    const checks = await askLook("checkup", { environment: name });
    return c.json({ environment: name, checks: [permissionsOf(c.var.actor, name), ...checks] }, 200);
  });

function permissionsOf(actor: Actor, environment: string): Check {
  const granted = PERMISSIONS.filter((permission) => may(actor, permission, environment));
  return ok("your permissions", `${actor.person} may ${granted.join(", ")} here`);
}
