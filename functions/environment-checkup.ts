/** Whether an environment's database can be promoted, asked as a promotion would ask, but all of it: a person is to see everything that has to be mended. */
import { type Check, checked, clockCheck, failed, ok } from "../core/checkup.ts";
import { parseDatabaseUrl } from "../core/database-url.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { assertRoom } from "../io/postgres/disk-room.ts";
import { assertDumpable } from "../io/postgres/dump/dumpable.ts";
import { findHindrances } from "../io/postgres/hindrances.ts";
import { assertDirect } from "../io/postgres/pooler.ts";
import { missingRights } from "../io/postgres/rights.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { assertIdentity, readIdentity } from "../io/postgres/target-schema.ts";
import { clockOf } from "./checkup.ts";
import { secrets } from "./clients.ts";
import { checkCopies } from "./copies.ts";
import { assertPolicy } from "./registration.ts";

/** Copies that lie beside the database while a promotion runs. */
const COPIES = 2;

/** Reads alone. Throws `NotFound` for an environment that is not registered; whatever else fails is among the checks. */
export async function checkEnvironment(ledger: Session, name: string): Promise<Check[]> {
  const environment = await readEnvironment(ledger, name);
  let session: Session | undefined;
  const reached = await checked("database", async () => {
    const began = performance.now();
    const address = parseDatabaseUrl(await secrets.readSecret(environment.secret));
    session = await openSession(address, {
      application: `rehearsal doctor ${name}`,
      lockTimeout: 5_000,
      statementTimeout: 15_000,
      // A person waits, and an answer has to leave within the function's time.
      patienceSeconds: 0,
    });
    return `${environment.address} answered in ${Math.round(performance.now() - began)} ms`;
  });
  if (session === undefined) return [reached];
  try {
    return [reached, ...(await checkDatabase(session, environment))];
  } finally {
    await session.close();
  }
}

async function checkDatabase(session: Session, { policy, ...environment }: Environment): Promise<Check[]> {
  const whole = { policy, ...environment };
  const role = await rights(session);
  return [
    await checked("identity", async () => {
      assertIdentity(await readIdentity(session), whole);
      return `it is "${whole.name}", role ${whole.role}, state ${whole.state}`;
    }),
    await checked("version", async () => {
      await assertDumpable(session.major, policy.pgDump);
      return `Postgres ${session.major} can be backed up`;
    }),
    await checked("pooler", async () => {
      await assertDirect(session);
      return "none stands between";
    }),
    role,
    await checkCopies(whole, session),
    ...(await hindrances(session, policy.connections)),
    // Which sizes a role sees hangs on its rights.
    ...(role.status === "ok" ? [await checked("disk", () => disk(session, policy.disk))] : []),
    await checked("clock", async () =>
      clockCheck("clock", await clockOf(session), "the service and the database"),
    ),
    await checked("policy", async () => {
      await assertPolicy(policy);
      return "what it names is there";
    }),
  ];
}

async function rights(session: Session): Promise<Check> {
  const name = "rights of the role";
  return checked(name, async () => {
    const { role, missing } = await missingRights(session);
    return missing.length === 0
      ? ok(name, `${role} may do all that a promotion does`)
      : failed(
          name,
          `${role} lacks ${missing.map(({ what }) => what).join("; ")}`,
          `as a superuser: ${missing.map(({ grant }) => `${grant};`).join(" ")}`,
        );
  });
}

/** Those that cannot be asked are one that failed. */
async function hindrances(session: Session, connections: number): Promise<Check[]> {
  let found: Check[] = [];
  const asked = await checked("server", async () => {
    found = await findHindrances(session, connections);
    return "";
  });
  return asked.status === "failed" ? [asked] : found;
}

async function disk(session: Session, bytes: number | undefined): Promise<string> {
  const [row] = await session.query<{ size: string }>(
    "select pg_size_pretty(pg_database_size(current_database())) as size",
  );
  await assertRoom(session, bytes, COPIES);
  return bytes === undefined
    ? `the database has ${row?.size}, and a promotion makes ${COPIES} copies; the policy names no disk to hold it against`
    : `${COPIES} copies of ${row?.size} fit beside what is there`;
}
