/**
 * Requests that API Gateway has verified a signature of, by its IAM authorizer. Who signed is taken from the event's
 * authorizer alone: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
 */
import * as z from "zod";
import type { Actor } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import { IAM_ISSUER, principalOf } from "../../core/principal.ts";
import { findByIdentity } from "../../io/ledger/people.ts";
import type { Session } from "../../io/postgres/session.ts";
import { actorOf, unauthorized } from "./actor.ts";
import { isUnderPrefix } from "./iam-prefix.ts";

const eventSchema = z.looseObject({
  requestContext: z.looseObject({
    authorizer: z.looseObject({ iam: z.looseObject({ userArn: z.string().min(1).max(2_048) }) }),
  }),
});

/**
 * Who signed the request. Throws `IdentityUnknown`; and `Unauthorized` where the route should have had the authorizer and
 * has none, for then nothing was verified.
 */
export async function actorOfIam(ledger: Session, event: unknown): Promise<Actor> {
  const parsed = eventSchema.safeParse(event);
  if (!parsed.success)
    throw unauthorized("the request came by the way for signed requests, and is not signed");
  const { userArn } = parsed.data.requestContext.authorizer.iam;
  const subject = principalOf(userArn);
  const person = await findByIdentity(ledger, { issuer: IAM_ISSUER, subject });
  if (person === undefined) throw new RehearsalError("IdentityUnknown", { issuer: IAM_ISSUER, subject });
  return actorOf(person, { kind: "iam", id: userArn.slice(0, 200) }, null);
}

/** True of an event that came by the routes for signed requests. */
export function isOnIamRoute(event: unknown): boolean {
  const { rawPath } = (event ?? {}) as { rawPath?: unknown };
  return typeof rawPath === "string" && isUnderPrefix(rawPath);
}
