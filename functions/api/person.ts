/** People, their roles and their keys as the API takes and shows them. */
import { z } from "@hono/zod-openapi";
import { ACCESS_ROLES, type Actor, EVERYWHERE } from "../../core/access.ts";
import type { KeyRow } from "../../io/ledger/keys.ts";
import type { Person } from "../../io/ledger/people.ts";
import { environmentName, instant } from "./answer.ts";

const grantSchema = z
  .strictObject({
    /** An environment's name, or `*` for all of them, those to come as well. */
    environment: environmentName.or(z.literal(EVERYWHERE)),
    role: z.enum(ACCESS_ROLES),
  })
  .openapi("Grant");

/** More than there are environments that one person could keep apart. */
export const grantsSchema = z.array(grantSchema).max(200);

export const identitySchema = z
  .strictObject({
    /** The issuer's URL, as its tokens have it; `aws-iam` for roles and users of AWS. */
    issuer: z.string().min(1).max(500),
    /** What its tokens call the person; the ARN of a role or a user. */
    subject: z.string().min(1).max(500),
  })
  .openapi("Identity");

export const keyId = z.string().regex(/^[a-z0-9-]{1,40}$/, "it is not a key's id");

export const keySchema = z
  .object({
    /** Stands in the key, and opens nothing by itself. */
    id: z.string(),
    person: z.string(),
    label: z.string(),
    /** What it may use of what its person holds; null is the whole. */
    scope: z.array(grantSchema).nullable(),
    status: z.enum(["valid", "expired", "revoked"]),
    createdBy: z.string(),
    createdAt: instant,
    expiresAt: instant.nullable(),
    revokedAt: instant.nullable(),
    revokedBy: z.string().nullable(),
    /** To the minute. */
    lastUsedAt: instant.nullable(),
  })
  .openapi("Key");

export const personSchema = z
  .object({
    name: z.string(),
    grants: z.array(grantSchema),
    disabled: z.boolean(),
    createdBy: z.string(),
    createdAt: instant,
  })
  .openapi("Person");

export const meSchema = z
  .object({
    person: z.string(),
    credential: z.object({ kind: z.enum(["key", "token", "iam", "session"]), id: z.string() }),
    /** What may be done by this credential: what the person holds, cut down to its scope. */
    grants: z.array(grantSchema),
  })
  .openapi("Me");

export function shownPerson({ name, grants, disabledAt, createdBy, createdAt }: Person) {
  return { name, grants, disabled: disabledAt !== null, createdBy, createdAt: createdAt.toISOString() };
}

/** Never the hash: it is nobody's business. */
export function shownKey(key: KeyRow): z.infer<typeof keySchema> {
  const { id, person, label, scope, createdBy, revokedBy } = key;
  return {
    ...{ id, person, label, scope },
    status: key.revokedAt !== null ? "revoked" : key.expired ? "expired" : "valid",
    createdBy,
    createdAt: key.createdAt.toISOString(),
    expiresAt: key.expiresAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
    revokedBy,
    lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  };
}

export function shownMe({ person, credential: { kind, id }, grants }: Actor): z.infer<typeof meSchema> {
  return { person, credential: { kind, id }, grants: [...grants] };
}
