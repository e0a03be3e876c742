/** Registering an environment: a database is given an identity, and what it is now becomes what is promised of it. */
import { randomUUID } from "node:crypto";
import { type DatabaseAddress, databaseUrl, describeAddress } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import { type Policy, policyForLog } from "../core/policy.ts";
import { type Environment, insertEnvironment, listEnvironments } from "../io/ledger/environments.ts";
import { appendEvent } from "../io/ledger/events.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { assertDumpable } from "../io/postgres/dump/dumpable.ts";
import { assertDirect } from "../io/postgres/pooler.ts";
import { assertRights } from "../io/postgres/rights.ts";
import { openSession, type Session } from "../io/postgres/session.ts";
import { installIdentity, readApplied, readIdentity } from "../io/postgres/target-schema.ts";
import { secretName, secrets } from "./clients.ts";
import { refuseFiles } from "./configuration.ts";
import { fitForCopies } from "./copies.ts";
import { readGuardedShape } from "./guarded-shape.ts";
import { keepShape } from "./shapes.ts";
import { assertStorage } from "./storage.ts";

interface Registration {
  name: string;
  role: Environment["role"];
  state: Environment["state"];
  address: DatabaseAddress;
  /** Another login of the same server, by which its copies are made. */
  copies?: DatabaseAddress;
  policy: Policy;
  /** Who registers it. */
  person: string;
}

/**
 * Registers a database; safe to run again after it died anywhere. Throws `EnvironmentExists`, and `IdentityMismatch`
 * when the database says that it is another environment or has another role: then nothing was written to it.
 */
export async function register(
  ledger: Session,
  store: ObjectStore,
  wanted: Registration,
): Promise<Environment> {
  const known = await listEnvironments(ledger);
  if (known.some(({ name }) => name === wanted.name))
    throw new RehearsalError("EnvironmentExists", { name: wanted.name });
  await assertPolicy(wanted.policy);
  const session = await openSession(wanted.address, {
    application: `rehearsal register ${wanted.name}`,
    lockTimeout: 10_000,
    // A person waits, and an address with a slip in it never answers.
    patienceSeconds: 0,
  });
  try {
    await assertDirect(session);
    await assertDumpable(session.major, wanted.policy.pgDump);
    const identity = await chooseIdentity(session, known, wanted);
    await assertRights(session);
    const copies = await fitForCopies(wanted, session);
    const environment: Environment = {
      name: wanted.name,
      role: wanted.role,
      state: wanted.state,
      identity,
      secret: secretName("environments", wanted.name),
      copiesSecret: secretName("copies", wanted.name),
      address: describeAddress(wanted.address),
      policy: wanted.policy,
      fingerprint: await keepShape(store, await readGuardedShape(session, wanted.policy)),
      release: null,
    };
    await ledger.transaction(async () => {
      // The row comes first: it keeps a second registration of the name from writing its address over the secret.
      await insertEnvironment(ledger, environment);
      await installIdentity(session, environment);
      await secrets.writeSecret(secretName("environments", wanted.name), databaseUrl(wanted.address));
      await secrets.writeSecret(secretName("copies", wanted.name), databaseUrl(copies));
      await appendEvent(ledger, {
        type: "environment.registered",
        environment: wanted.name,
        data: {
          role: environment.role,
          state: environment.state,
          address: environment.address,
          copiesAs: copies.user,
          fingerprint: environment.fingerprint,
          policy: policyForLog(wanted.policy),
          by: wanted.person,
        },
      });
    });
    return environment;
  } finally {
    await session.close();
  }
}

/** Throws unless what the policy names can be what it is named for: a bucket that keeps versions, files that can be read. */
export async function assertPolicy(policy: Policy): Promise<void> {
  refuseFiles(policy);
  await assertStorage(policy);
}

/** A fresh identity, or the one that an interrupted registration of the same name and role has left. */
async function chooseIdentity(
  session: Session,
  known: readonly Environment[],
  wanted: Registration,
): Promise<string> {
  const found = await readIdentity(session);
  if (found === undefined) return randomUUID();
  const refuse = (problem: string) =>
    new RehearsalError("IdentityMismatch", { environment: wanted.name, problem });
  if (found.environment !== wanted.name)
    throw refuse(`it says that it is "${found.environment}", role ${found.role}`);
  if (found.role !== wanted.role) throw refuse(`its role is ${found.role}, not ${wanted.role}`);
  if (found.state !== wanted.state) throw refuse(`its state is ${found.state}, not ${wanted.state}`);
  const owner = known.find(({ identity }) => identity === found.identity);
  if (owner !== undefined) throw refuse(`it is registered as "${owner.name}" already`);
  if (found.token !== "0" || (await readApplied(session)).length > 0)
    throw refuse("another service has promoted it already");
  return found.identity;
}
