/**
 * What a route asks of whoever calls it, said once: it stands in the OpenAPI document, from which the table of
 * docs/security.md and its test are made, and the same words are asked before the route's doors are tried.
 */
import { createMiddleware } from "hono/factory";
import { EVERYWHERE, type Permission } from "../../core/access.ts";
import { environmentOf } from "../../io/ledger/whereabouts.ts";
import { type ApiContext, type ApiEnv, allow, allowSelf, allowSomewhere } from "./request.ts";

export interface Access {
  permission: Permission;
  /**
   * Where the permission is needed: in the `environment` that the path or the body names; in that of the `promotion`,
   * `task`, `backup`, `prune` or `hold` that the path names; for the whole `service`, which is all environments; `somewhere`, what comes
   * back being what the actor may see; not at all, for it is about one`self` or `public`.
   */
  of:
    | "environment"
    | "promotion"
    | "task"
    | "backup"
    | "prune"
    | "hold"
    | "service"
    | "somewhere"
    | "self"
    | "public";
}

const BY_ID = ["promotion", "task", "backup", "prune", "hold"] as const;

/** The parts of a route that ask: to be spread into `createRoute`. What only a body tells, the route must ask by `allow`. */
export function access(permission: Permission, of: Access["of"]) {
  return { "x-access": { permission, of } satisfies Access, middleware: guard({ permission, of }) };
}

/** The same for a route that is in no document. */
export function guard({ permission, of }: Access) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    await ask(c, permission, of);
    await next();
  });
}

/**
 * Of which environments a list tells: of the one that was named, which the actor must be able to read, or of `among`
 * those that they may; of all when neither is there.
 */
export function readable(
  c: ApiContext,
  environment: string | undefined,
): { environment?: string; among?: readonly string[] } {
  if (environment !== undefined) {
    allow(c, "read", environment);
    return { environment };
  }
  const where = allowSomewhere(c, "read");
  return where === EVERYWHERE ? {} : { among: where };
}

async function ask(c: ApiContext, permission: Permission, of: Access["of"]): Promise<void> {
  if (of === "self") return allowSelf(c);
  if (of === "service") return allow(c, permission, EVERYWHERE);
  if (of === "somewhere") return void allowSomewhere(c, permission);
  if (of === "environment") {
    const name = c.req.param("name");
    // Without a name in the path it is in the body, which the route reads, and asks.
    if (name !== undefined) allow(c, permission, name);
    return;
  }
  const kind = BY_ID.find((one) => one === of);
  if (kind === undefined) return;
  const name = c.req.param("id") ?? "";
  const environment = await environmentOf(await c.var.ledger(), kind, name);
  // Of what is nowhere nothing can be asked; its door or its reader refuses it, in the same words.
  if (environment !== undefined) allow(c, permission, environment ?? EVERYWHERE, { what: kind, name });
}
