/** A database's address: parsed from a URL once, and shown to people only without its password. */
import { RehearsalError } from "./errors.ts";

export interface DatabaseAddress {
  host: string;
  port: number;
  database: string;
  user: string;
  password?: string;
  /** libpq's words; `verify-full` checks the certificate and the host's name. */
  sslmode: "disable" | "require" | "verify-full";
}

/** Parses `postgresql://user:password@host:port/database?sslmode=…`; throws `InputInvalid` with the reason, never with the password. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const refuse = (problems: string) =>
    new RehearsalError("InputInvalid", { what: "the database URL", problems });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refuse("it is not a URL; write postgresql://user:password@host:port/database");
  }
  if (url.protocol !== "postgresql:" && url.protocol !== "postgres:")
    throw refuse(`it begins with "${url.protocol}", not with postgresql:`);
  if (!url.hostname) throw refuse("it names no host");
  if (url.hostname.includes(",") || url.hostname.includes("%2F"))
    throw refuse("it names several hosts or a socket");
  const database = decodeURIComponent(url.pathname.slice(1));
  if (!database) throw refuse("it names no database");
  if (!url.username) throw refuse("it names no user");
  const sslmode = url.searchParams.get("sslmode") ?? "verify-full";
  if (sslmode !== "disable" && sslmode !== "require" && sslmode !== "verify-full")
    throw refuse(`sslmode is "${sslmode}"; disable, require and verify-full are known`);
  return {
    host: decodeURIComponent(url.hostname).replace(/^\[|\]$/g, ""),
    port: url.port ? Number(url.port) : 5432,
    database,
    user: decodeURIComponent(url.username),
    ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
    sslmode,
  };
}

/** The URL of an address, with its password: for storing in the secret, never for showing. */
export function databaseUrl(address: DatabaseAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const password = address.password === undefined ? "" : `:${encodeURIComponent(address.password)}`;
  return `postgresql://${encodeURIComponent(address.user)}${password}@${host}:${address.port}/${encodeURIComponent(address.database)}?sslmode=${address.sslmode}`;
}

/** The address as people may see it: host, port, database and user. */
export function describeAddress(address: DatabaseAddress): string {
  return `${address.user}@${address.host}:${address.port}/${address.database}`;
}
