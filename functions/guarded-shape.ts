/** A database's shape as its environment's policy sees it. */
import { withoutIgnored } from "../core/drift.ts";
import type { Policy } from "../core/policy.ts";
import type { Shape } from "../core/shape.ts";
import type { Session } from "../io/postgres/session.ts";
import { readShape } from "../io/postgres/shape.ts";

/** The shape that an environment's promise is about: without what its policy names as others' doing. */
export async function readGuardedShape(session: Session, { drift }: Pick<Policy, "drift">): Promise<Shape> {
  return withoutIgnored(await readShape(session), drift.ignore);
}
