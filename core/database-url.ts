/** A database's address: parsed from a URL once, and shown to people only without its password. */
import { RehearsalError } from "./errors.ts";
import { isLinkLocal } from "./link-local.ts";

export interface DatabaseAddress {
  host: string;
  port: number;
  database: string;
  user: string;
  password?: string;
  /** libpq's words; `verify-full` checks the certificate and the host's name. */
  sslmode: "disable" | "require" | "verify-full";
  /** With `verify-full`: the file, on the machine that connects, whose certificates are trusted instead of Node's own. */
  sslrootcert?: string;
  /** The server must prove with the password (SCRAM) that it holds the key of this very TLS connection. */
  channelBinding?: "require";
  /** The role that its sessions act as: SET ROLE from their first statement on. */
  role?: string;
  /** No password is kept: each connection is given a token of AWS's, made for this region, by this role where one is taken. */
  iam?: { region: string; assume?: string };
}

/** What may stand behind the `?`: an option that was passed over in silence could be the one that made it safe. */
const OPTIONS = ["sslmode", "sslrootcert", "channel_binding", "auth", "region", "assume", "role"];

/** Parses `postgresql://user:password@host:port/database?sslmode=…`; throws `InputInvalid` with the reason, never with the password. */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refusal("it is not a URL; write postgresql://user:password@host:port/database");
  }
  if (url.protocol !== "postgresql:" && url.protocol !== "postgres:")
    throw refusal(`it begins with "${url.protocol}", not with postgresql:`);
  if (!url.hostname) throw refusal("it names no host");
  if (url.hostname.includes(",") || url.hostname.includes("%2F"))
    throw refusal("it names several hosts or a socket");
  const database = decoded(url.pathname.slice(1));
  if (!database) throw refusal("it names no database");
  if (!url.username) throw refusal("it names no user");
  const host = decoded(url.hostname).replace(/^\[|\]$/g, "");
  // No database is there, but the service's own credentials are, in a cloud.
  if (NUMBERS.test(host) && !USUAL.test(host))
    throw refusal("its host is an address in an unusual spelling; write four numbers and three points");
  if (isLinkLocal(host)) throw refusal("its host is a link-local address");
  return {
    host,
    port: url.port ? Number(url.port) : 5432,
    database,
    user: decoded(url.username),
    ...(url.password ? { password: decoded(url.password) } : {}),
    ...parseOptions(host, Boolean(url.password), url.searchParams),
  };
}

/** Numbers that resolvers take for an address of version 4: as one number, in octal, in hexadecimal. */
const NUMBERS = /^((0x[0-9a-f]*|\d+)(\.|$))+$/i;
const USUAL = /^((0|[1-9]\d{0,2})(\.(?!$)|$)){4}$/;

/** Throws `InputInvalid` for a percent sign that begins no character. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refusal("it has a percent sign that begins no character; write %25 for the sign itself");
  }
}

function parseOptions(
  host: string,
  hasPassword: boolean,
  options: URLSearchParams,
): Pick<DatabaseAddress, "sslmode" | "sslrootcert" | "channelBinding" | "iam" | "role"> {
  for (const name of options.keys()) {
    if (!OPTIONS.includes(name)) throw refusal(`"${name}" is not known; ${OPTIONS.join(", ")} are`);
    if (options.getAll(name).length > 1) throw refusal(`it says ${name} twice`);
  }
  const sslmode = options.get("sslmode") ?? "verify-full";
  if (sslmode !== "disable" && sslmode !== "require" && sslmode !== "verify-full")
    throw refusal(`sslmode is "${sslmode}"; disable, require and verify-full are known`);
  const sslrootcert = options.get("sslrootcert") || "system";
  if (sslrootcert !== "system" && sslmode !== "verify-full")
    throw refusal("sslrootcert is looked at only with sslmode=verify-full");
  const binding = options.get("channel_binding") ?? "prefer";
  if (binding !== "require" && binding !== "prefer" && binding !== "disable")
    throw refusal(`channel_binding is "${binding}"; require, prefer and disable are known`);
  if (binding === "require" && sslmode === "disable")
    throw refusal("channel_binding=require needs TLS: sslmode=verify-full");
  const iam = parseIam(host, options);
  if (iam && hasPassword) throw refusal("with auth=iam it must have no password: a token takes its place");
  // A token opens the database to whoever holds it, for a quarter of an hour: it is shown to the true server only.
  if (iam && sslmode !== "verify-full") throw refusal("auth=iam needs sslmode=verify-full");
  const role = options.get("role");
  // To the server it means that there is none.
  if (role === "" || role === "none") throw refusal(`role is "${role}", which names nobody`);
  return {
    sslmode,
    ...(role === null ? {} : { role }),
    ...(sslrootcert === "system" ? {} : { sslrootcert }),
    ...(binding === "require" ? { channelBinding: binding } : {}),
    ...(iam && { iam }),
  };
}

function parseIam(host: string, options: URLSearchParams): DatabaseAddress["iam"] {
  const auth = options.get("auth") ?? "password";
  const named = options.get("region");
  const assume = options.get("assume");
  if (auth === "password" && named !== null) throw refusal("a region is looked at only with auth=iam");
  if (auth === "password" && assume !== null) throw refusal("assume is looked at only with auth=iam");
  if (auth === "password") return undefined;
  if (auth !== "iam") throw refusal(`auth is "${auth}"; password and iam are known`);
  // NAME.ID.REGION.rds.amazonaws.com, with .cn behind it in China.
  const region = named ?? /\.([a-z]{2}(?:-[a-z]+)+-\d+)\.rds\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1];
  if (region === undefined || !/^[a-z\d-]{1,40}$/.test(region))
    throw refusal("auth=iam needs the region of the server: region=eu-central-1");
  if (assume === null) return { region };
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,576}$/.test(assume))
    throw refusal("assume is no role: write arn:aws:iam::ACCOUNT:role/NAME");
  return { region, assume };
}

function refusal(problems: string): RehearsalError {
  return new RehearsalError("InputInvalid", { what: "the database URL", problems });
}

/** The URL of an address, with its password: for storing in the secret, never for showing. */
export function databaseUrl(address: DatabaseAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const password = address.password === undefined ? "" : `:${encodeURIComponent(address.password)}`;
  const options = Object.entries({
    sslmode: address.sslmode,
    sslrootcert: address.sslrootcert,
    channel_binding: address.channelBinding,
    auth: address.iam && "iam",
    region: address.iam?.region,
    assume: address.iam?.assume,
    role: address.role,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]));
  return `postgresql://${encodeURIComponent(address.user)}${password}@${host}:${address.port}/${encodeURIComponent(address.database)}?${options.join("&")}`;
}

/** The address as people may see it: host, port, database and user. */
export function describeAddress(address: DatabaseAddress): string {
  return `${address.user}@${address.host}:${address.port}/${address.database}`;
}
