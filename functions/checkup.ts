/** Whether the service has what it needs: each thing is tried for real, and told with its mend. */
import { randomUUID } from "node:crypto";
import { type Check, checked, clockCheck, failed, ok, warning } from "../core/checkup.ts";
import type { Session } from "../io/postgres/session.ts";
import { readApplied, readIdentity } from "../io/postgres/target-schema.ts";
import { openVersionedBucket } from "../io/versioned-bucket.ts";
import { artifacts, requiredVariable, secrets, stepFunctions } from "./clients.ts";
import { allMachines } from "./machines.ts";

/** In the order of what leans on what. The bucket gets an object, which is removed again. */
export async function checkService(ledger: Session): Promise<Check[]> {
  return [
    await checked("control database", () => controlDatabase(ledger)),
    await checked("control database's clock", () => controlClock(ledger)),
    ...(await Promise.all([
      checked("bucket", probeBucket),
      checked("bucket's versions", versions),
      checked("bucket's Object Lock", objectLock),
      checked("state machines", machines),
      checked("secrets", sealing),
    ])),
  ];
}

async function controlDatabase(ledger: Session): Promise<string | Check> {
  if ((await readIdentity(ledger)) === undefined)
    return warning(
      "control database",
      `Postgres ${ledger.major}, whose schema does not tell where it is: it was not applied by this product`,
      "let the service bring it up to date: deploy it, or start the local stack, once more",
    );
  const applied = (await readApplied(ledger)).map(({ path }) => path).sort();
  const newest = applied.at(-1);
  return `Postgres ${ledger.major}, its schema at ${newest ?? "no migration"}`;
}

async function controlClock(ledger: Session): Promise<Check> {
  return clockCheck(
    "control database's clock",
    await clockOf(ledger),
    "the service and the control database",
  );
}

/** Milliseconds that the server's clock is ahead of ours, taken in the middle of the question. */
export async function clockOf(session: Session): Promise<number> {
  const before = Date.now();
  const [row] = await session.query<{ now: number }>(
    "select extract(epoch from clock_timestamp())::float8 * 1000 as now",
  );
  return (row?.now ?? before) - (before + Date.now()) / 2;
}

/** Writes, reads and removes, as every promotion does. */
async function probeBucket(): Promise<string> {
  const store = artifacts();
  const key = `checks/${randomUUID()}`;
  const wrote = Buffer.from("a check of rehearsal doctor; it may be removed");
  const began = performance.now();
  await store.put(key, wrote);
  const read = await store.get(key);
  await store.remove(key);
  if (!wrote.equals(read)) throw new Error(`${store.bucket} gave back other bytes than it was given`);
  return `${store.bucket} was written, read and cleared in ${Math.round(performance.now() - began)} ms`;
}

async function versions(): Promise<Check> {
  const { bucket } = artifacts();
  const opened = openVersionedBucket(bucket);
  try {
    const versioning = await opened.versioning();
    return versioning === "Enabled"
      ? ok("bucket's versions", "are kept: what is overwritten can be had again")
      : warning(
          "bucket's versions",
          `versioning is ${versioning.toLowerCase()}: what is overwritten or deleted is gone`,
          `aws s3api put-bucket-versioning --bucket ${bucket} --versioning-configuration Status=Enabled`,
        );
  } finally {
    opened.close();
  }
}

async function objectLock(): Promise<Check> {
  const store = artifacts();
  return (await store.hasObjectLock())
    ? ok("bucket's Object Lock", "is on: backups cannot be removed before their date")
    : ok("bucket's Object Lock", "is off: whoever may delete in the bucket may delete backups");
}

async function machines(): Promise<Check> {
  const name = "state machines";
  const all = allMachines();
  for (const [of, arn] of all)
    if (!(await stepFunctions.hasMachine(arn)))
      return failed(name, `there is none for ${of}: ${arn}`, "deploy the service again; it makes them");
  return ok(name, `${all.map(([of]) => of).join(", ")} are there`);
}

/** That it is there: who only asks need not have it. */
async function sealing(): Promise<Check> {
  const name = "secrets";
  const id = requiredVariable("REHEARSAL_CONFIGURATION_SECRET");
  return (await secrets.hasSecret(id))
    ? ok(name, "the key under which configuration is sealed is there")
    : failed(name, `there is no ${id}`, "deploy the service again; it makes the key");
}
