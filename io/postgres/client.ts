/** How every connection begins: TLS as the address demands, a password or a token, and the limits of the role lifted before the first statement. */
import { readFile } from "node:fs/promises";
import type { Duplex } from "node:stream";
import pg from "pg";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { RehearsalError } from "../../core/errors.ts";
import { TRY_MILLISECONDS } from "./connect.ts";
import { iamToken } from "./iam-token.ts";

interface Connected<Row extends object> {
  client: pg.Client;
  /** The answer to the first statement. */
  rows: Row[];
  /** By which a CancelRequest names the session; a pooler has its own. */
  key: { processID: number; secretKey: number };
  /** What the server reported at the start (ParameterStatus): server_version, client_encoding … */
  parameters: Record<string, string>;
  tls: TlsOptions | false;
}

export interface TlsOptions {
  rejectUnauthorized: boolean;
  /** PEM, in place of the authorities that Node knows. */
  ca?: string;
}

interface ConnectOptions {
  /** Shown in pg_stat_activity. */
  application: string;
  /** The first statement, once the server's major is known; none when it returns undefined. */
  first: (major: number) => string | undefined;
  /** Statements may be sent before those before them are answered. */
  pipeline?: boolean;
  /** In place of the socket that `pg` would make itself; a new one on each call. */
  stream?: () => Duplex;
}

/**
 * What stands from the very first statement on. In the startup packet it outranks what ALTER ROLE and ALTER DATABASE have set: the
 * shortest of limits would end a session before it could set its own, and pg_dump would take over how names and texts are written.
 */
const FROM_THE_START = {
  statement_timeout: "0",
  lock_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  quote_all_identifiers: "off",
  standard_conforming_strings: "on",
};
/** Servers before 17 do not know it, and refuse a connection that names it. */
const NEWER_LIMIT = { transaction_timeout: "0" };
const STRUCK_BY_IT = "25P04";

/**
 * Connects and runs the first statement. Throws what the catalogue has for a refusal that trying again cannot mend, and what
 * `pg` throws for all else.
 */
export async function connect<Row extends object>(
  address: DatabaseAddress,
  options: ConnectOptions,
): Promise<Connected<Row>> {
  const tls = await tlsOptions(address);
  try {
    return await attempt<Row>(address, options, tls, FROM_THE_START);
  } catch (error) {
    if ((error as { code?: string }).code !== STRUCK_BY_IT) throw refusalOf(error, address) ?? error;
  }
  try {
    return await attempt<Row>(address, options, tls, { ...FROM_THE_START, ...NEWER_LIMIT });
  } catch (error) {
    throw refusalOf(error, address) ?? error;
  }
}

async function attempt<Row extends object>(
  address: DatabaseAddress,
  { application, first, pipeline = false, stream }: ConnectOptions,
  tls: TlsOptions | false,
  settings: Readonly<Record<string, string>>,
): Promise<Connected<Row>> {
  const { iam } = address;
  const password = iam ? () => iamToken(address, iam) : address.password;
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    application_name: application.slice(0, 63),
    keepAlive: true,
    pipeline,
    // In the startup packet a role is what RESET ROLE leads back to.
    options: Object.entries({ ...settings, ...(address.role !== undefined && { role: address.role }) })
      .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\s\\]/g, "\\$&")}`)
      .join(" "),
    ssl: tls,
    enableChannelBinding: address.channelBinding === "require",
    ...(password === undefined ? {} : { password }),
    ...(stream === undefined ? {} : { stream }),
  });
  // Without a listener a connection that breaks now would end the process; whoever waits for an answer is told as well.
  client.on("error", () => undefined);
  const told = listen(client);
  guardPassword(client, address);
  // Of all that is said until the session can be used: a server may fall silent behind its greeting as well.
  const deadline = setTimeout(
    () => client.connection.stream.destroy(new Error("timeout expired")),
    TRY_MILLISECONDS,
  );
  try {
    await client.connect();
    if (address.channelBinding === "require" && !told.bound)
      throw new RehearsalError("AuthenticationWeak", {
        host: address.host,
        problem: "it let us in without it, and so did not prove that the TLS connection is its own",
      });
    const statement = first(Number.parseInt(told.parameters.server_version ?? "0", 10));
    const rows = statement === undefined ? [] : (await client.query<Row>(statement)).rows;
    return { client, rows, key: told.key, parameters: told.parameters, tls };
  } catch (error) {
    client.connection.stream.destroy();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

/** Gathers what the server says of itself while the connection is made. */
function listen({ connection }: pg.Client) {
  const told = {
    parameters: {} as Record<string, string>,
    key: { processID: 0, secretKey: 0 },
    bound: false,
  };
  connection.on("parameterStatus", (status: { parameterName: string; parameterValue: string }) => {
    told.parameters[status.parameterName] = status.parameterValue;
  });
  connection.on("backendKeyData", (key: typeof told.key) => {
    told.key = key;
  });
  let offered = false;
  connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: string[] }) => {
    offered = mechanisms.includes(BOUND);
  });
  // Only now has the server proved something: `pg` has compared its signature, and would have broken off.
  connection.on("authenticationSASLFinal", () => {
    told.bound = offered;
  });
  return told;
}

const BOUND = "SCRAM-SHA-256-PLUS";

/** Breaks the connection off before an answer that would give the password to whoever listens. */
function guardPassword({ connection }: pg.Client, address: DatabaseAddress): void {
  const refuse = (problem: string) =>
    connection.stream.destroy(new RehearsalError("AuthenticationWeak", { host: address.host, problem }));
  const binding = address.channelBinding === "require";
  const unbound = "it does not offer SCRAM with channel binding, which the database URL demands";
  connection.prependListener("authenticationCleartextPassword", () => {
    if (address.sslmode === "disable") refuse("it wants it in clear, over a connection without TLS");
    else if (binding) refuse(unbound);
  });
  connection.prependListener("authenticationMD5Password", () => {
    if (binding) refuse(unbound);
  });
  connection.prependListener("authenticationSASL", ({ mechanisms }: { mechanisms: string[] }) => {
    if (binding && !mechanisms.includes(BOUND)) refuse(unbound);
  });
}

async function tlsOptions({ sslmode, sslrootcert }: DatabaseAddress): Promise<TlsOptions | false> {
  if (sslmode === "disable") return false;
  if (sslmode === "require" || sslrootcert === undefined)
    return { rejectUnauthorized: sslmode === "verify-full" };
  const refuse = (problem: string, cause?: unknown) =>
    new RehearsalError(
      "InputInvalid",
      { what: "the database URL", problems: `its sslrootcert "${sslrootcert}" ${problem}` },
      { cause },
    );
  const ca = await readFile(sslrootcert, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read where the service runs: ${error.code}`, error);
  });
  if (!ca.includes("-----BEGIN CERTIFICATE-----")) throw refuse("holds no certificate in PEM");
  return { rejectUnauthorized: true, ca };
}

/** OpenSSL's names for what it found, as Node passes them on; all others are about the issuer. */
const ABOUT: Record<string, "host" | "time"> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "host",
  CERT_HAS_EXPIRED: "time",
  CERT_NOT_YET_VALID: "time",
};
const ISSUER = /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED/;

/** A refusal that stays one however often it is tried; undefined for any other failure. */
function refusalOf(error: unknown, { host, user, role }: DatabaseAddress): RehearsalError | undefined {
  if (error instanceof RehearsalError) return error;
  const { code = "", message } = error as { code?: string; message: string };
  if (code in ABOUT || ISSUER.test(code))
    return new RehearsalError(
      "CertificateRefused",
      { host, reason: message, about: ABOUT[code] ?? "issuer" },
      { cause: error },
    );
  // Of all that the startup packet names only the role can be refused so.
  if (role !== undefined && (code === "22023" || (code === "42501" && /set role/.test(message))))
    return new RehearsalError("RoleRefused", { user, role, reason: message }, { cause: error });
  if (message === "The server does not support SSL connections")
    return new RehearsalError("EncryptionMissing", { host }, { cause: error });
  // PgBouncer and what is made from it, and RDS Proxy: neither passes on what it cannot keep apart for two clients.
  if (/unsupported startup parameter|RDS Proxy/i.test(message))
    return new RehearsalError("PoolerFound", { host, sign: message }, { cause: error });
  return undefined;
}
