/** Issuers of tokens in the ledger. */

import { RehearsalError } from "../../core/errors.ts";
import { type Issuer, issuerSchema } from "../../core/issuer.ts";
import type { Session } from "../postgres/session.ts";

export interface NamedIssuer {
  name: string;
  settings: Issuer;
}

/** The issuer whose tokens say this `iss`; undefined when there is none. */
export async function findIssuer(session: Session, url: string): Promise<NamedIssuer | undefined> {
  // Nothing of the token is verified yet: it may hold a NUL, which Postgres would not take.
  if (url.includes("\0")) return undefined;
  const [row] = await session.query<NamedIssuer>("select name, settings from ledger.issuers where url = $1", [
    url,
  ]);
  return row && parsed(row);
}

/** The issuer of that name; undefined when there is none. */
export async function findIssuerByName(session: Session, name: string): Promise<NamedIssuer | undefined> {
  const [row] = await session.query<NamedIssuer>(
    "select name, settings from ledger.issuers where name = $1",
    [name],
  );
  return row && parsed(row);
}

/** All, by name. */
export async function listIssuers(session: Session): Promise<NamedIssuer[]> {
  const rows = await session.query<NamedIssuer>("select name, settings from ledger.issuers order by name");
  return rows.map(parsed);
}

/** Writes it under its name, over what stood there; throws `IssuerExists` when another name has its address. */
export async function putIssuer(session: Session, name: string, settings: Issuer, by: string): Promise<void> {
  const [other] = await session.query<{ name: string }>(
    "select name from ledger.issuers where url = $1 and name <> $2",
    [settings.url, name],
  );
  if (other !== undefined) throw new RehearsalError("IssuerExists", { url: settings.url, name: other.name });
  await session.query(
    `insert into ledger.issuers (name, url, settings, changed_by) values ($1, $2, $3, $4)
      on conflict (name) do update
        set url = excluded.url, settings = excluded.settings, changed_by = excluded.changed_by, changed_at = now()`,
    [name, settings.url, JSON.stringify(settings), by],
  );
}

/** False when there was none of that name. */
export async function removeIssuer(session: Session, name: string): Promise<boolean> {
  const removed = await session.query("delete from ledger.issuers where name = $1 returning name", [name]);
  return removed.length > 0;
}

function parsed({ name, settings }: NamedIssuer): NamedIssuer {
  return { name, settings: issuerSchema.parse(settings) };
}
