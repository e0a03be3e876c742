/** Roles as people write them, `prod=approver` or `*=viewer`, and people and keys as the terminal shows them. */
import { ACCESS_ROLES, type AccessRole, type Grant } from "../core/access.ts";
import { didYouMean } from "../core/did-you-mean.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Key, Person } from "./answers.ts";
import { columns, facts, when } from "./text.ts";

/** The help of every argument that is roles. */
export const ROLES_HELP = `ENVIRONMENT=ROLE, "*" for all environments; roles are ${ACCESS_ROLES.join(", ")}`;

/** Parses what was written; throws `InputInvalid`. */
export function grantsOf(texts: readonly string[]): Grant[] {
  return texts.map((text) => {
    const [, environment, role] = /^([^=]+)=([^=]+)$/.exec(text) ?? [];
    if (environment === undefined || role === undefined)
      throw invalid(`"${text}" is not ENVIRONMENT=ROLE, such as prod=approver or "*=viewer"`);
    if (!isRole(role)) throw invalid(`"${role}" is not a role, ${didYouMean(role, ACCESS_ROLES)}`);
    return { environment, role };
  });
}

/** `prod=approver, dev=promoter`. */
export function grantsText(grants: readonly Grant[]): string {
  return grants.map(({ environment, role }) => `${environment}=${role}`).join(", ") || "none";
}

export function peopleTable(people: readonly Person[]): string {
  const rows = people.map((one) => [one.name, one.disabled ? "disabled" : "", grantsText(one.grants)]);
  return columns([["NAME", "", "ROLES"], ...rows]);
}

export function personFacts(person: Person): string {
  return facts({
    person: person.name,
    roles: grantsText(person.grants),
    disabled: person.disabled ? "yes: none of their credentials opens anything" : null,
  });
}

export function keysTable(keys: readonly Key[]): string {
  if (keys.length === 0) return 'there is no key; "rehearsal key create" makes one';
  const rows = keys.map((key) => [
    key.id,
    key.person,
    key.label,
    key.status,
    key.scope === null ? "all roles" : grantsText(key.scope),
    key.lastUsedAt === null ? "never" : when(key.lastUsedAt),
    key.expiresAt === null ? "never" : when(key.expiresAt),
  ]);
  return columns([["ID", "PERSON", "LABEL", "STATUS", "MAY USE", "LAST USED", "EXPIRES"], ...rows]);
}

/** A span such as 90d or 12h from now, or an instant; throws `InputInvalid`. */
export function expiryOf(text: string, now: Date): string {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const at =
    count === undefined
      ? new Date(text)
      : new Date(now.getTime() + Number(count) * (unit === "h" ? 3_600_000 : 86_400_000));
  if (Number.isNaN(at.getTime()) || (count === undefined && !/^\d{4}-\d\d-\d\d/.test(text)))
    throw invalid(`"${text}" is neither a span such as 90d or 12h, nor a date such as 2027-01-31`);
  return at.toISOString();
}

/** What the permissions are called in a person's own words. */
export function mayText(grants: readonly Grant[]): string {
  return grants.length === 0
    ? 'nothing: an admin gives roles with "rehearsal person roles"'
    : grantsText(grants);
}

function isRole(text: string): text is AccessRole {
  return (ACCESS_ROLES as readonly string[]).includes(text);
}

function invalid(problems: string): RehearsalError {
  return new RehearsalError("InputInvalid", { what: "the command line", problems });
}
