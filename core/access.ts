/** Who may do what: roles held per environment, what each role may, and how a credential narrows them. */

export const ACCESS_ROLES = ["viewer", "promoter", "approver", "admin"] as const;

export type AccessRole = (typeof ACCESS_ROLES)[number];

export const PERMISSIONS = ["read", "promote", "decide", "administer"] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What is about no single environment, or about every one. */
export const EVERYWHERE = "*";

export interface Grant {
  /** An environment's name, or `*` for all of them, those to come as well. */
  environment: string;
  role: AccessRole;
}

/** By what somebody has shown who they are; `id` is fit for the log and opens nothing. */
export interface Credential {
  kind: "key" | "token" | "iam" | "session";
  id: string;
  /** Of a session: the id of the key that it began with, and ends with. */
  key?: string;
}

/** Who speaks: a person under one credential, with the grants that this credential may use. */
export interface Actor {
  person: string;
  credential: Credential;
  grants: readonly Grant[];
  /** Set where a pipeline speaks: it hands out no credentials, and one that `rehearses` does nothing that lasts. */
  pipeline?: "promotes" | "rehearses";
}

const PERMITTED: Record<AccessRole, readonly Permission[]> = {
  viewer: ["read"],
  promoter: ["read", "promote"],
  approver: ["read", "decide"],
  admin: PERMISSIONS,
};

type Holder = Pick<Actor, "grants">;

/** Whether the actor may there; for `*` only what is held for all environments counts. */
export function may({ grants }: Holder, permission: Permission, environment: string): boolean {
  return grants.some(
    (grant) =>
      (grant.environment === EVERYWHERE || grant.environment === environment) &&
      PERMITTED[grant.role].includes(permission),
  );
}

/** Where the actor may: `*`, or the environments by name, sorted; empty when nowhere. */
export function environmentsFor({ grants }: Holder, permission: Permission): "*" | string[] {
  const able = grants.filter(({ role }) => PERMITTED[role].includes(permission));
  if (able.some(({ environment }) => environment === EVERYWHERE)) return EVERYWHERE;
  return [...new Set(able.map(({ environment }) => environment))].sort();
}

/** The roles that have the permission, the narrowest first: for hints and tables. */
export function rolesWith(permission: Permission): AccessRole[] {
  return ACCESS_ROLES.filter((role) => PERMITTED[role].includes(permission));
}

/**
 * What a credential may use of what its person holds: where both meet, and no more than either. A scope of null is the
 * whole. A scope can therefore be written before its person has the roles, or outlive them, and gives nothing by itself.
 */
export function narrow(held: readonly Grant[], scope: readonly Grant[] | null): Grant[] {
  if (scope === null) return tidy(held);
  return tidy(held.flatMap((one) => scope.flatMap((other) => meet(one, other) ?? [])));
}

/** Whether everything in `wanted` is in `held` already: what somebody may hand on. */
export function covers(held: readonly Grant[], wanted: readonly Grant[]): boolean {
  return wanted.every(({ environment, role }) =>
    PERMITTED[role].every((permission) => may({ grants: held }, permission, environment)),
  );
}

/** Each once, without what a wider grant holds already, in a settled order. */
export function tidy(grants: readonly Grant[]): Grant[] {
  const order = ({ environment, role }: Grant) => `${environment} ${ACCESS_ROLES.indexOf(role)}`;
  const each = [...new Map(grants.map((grant) => [order(grant), grant])).values()];
  return each
    .filter((grant) => !each.some((other) => other !== grant && covers([other], [grant])))
    .map(({ environment, role }) => ({ environment, role }))
    .sort((one, other) => (order(one) < order(other) ? -1 : 1));
}

function meet(one: Grant, other: Grant): Grant | undefined {
  const environment = commonEnvironment(one.environment, other.environment);
  return environment === undefined ? undefined : { environment, role: commonRole(one.role, other.role) };
}

function commonEnvironment(one: string, other: string): string | undefined {
  if (one === EVERYWHERE) return other;
  return other === EVERYWHERE || other === one ? one : undefined;
}

/** The widest role whose permissions both have; every role may read, so there is always one. */
function commonRole(one: AccessRole, other: AccessRole): AccessRole {
  if (one === other || other === "admin") return one;
  return one === "admin" ? other : "viewer";
}
