/** IAM in place of passwords, at a real server behind a door that judges tokens as RDS does, but lets them live for three seconds. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import type { ObjectStore } from "../../io/stored-object.ts";
import { startBucket, type TestBucket } from "../bucket.ts";
import { makeAuthority } from "../certificates.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { type Front, startFront } from "../postgres-front.ts";
import { readRdsToken } from "../rds-token.ts";
import { refusalOf } from "../refusal.ts";

const LIFETIME = 3_000;
const REGION = "eu-central-1";

let folder: string;
let bucket: TestBucket;
let front: Front;
let address: DatabaseAddress;
/** Every token that was accepted, in order. */
const accepted: string[] = [];

const isGood = (token: string, user: string) => {
  const read = readRdsToken(token, process.env.AWS_SECRET_ACCESS_KEY ?? "");
  const right = read.server === `localhost:${front.port}` && read.user === user && read.region === REGION;
  // Its time is told in whole seconds.
  return right && Date.now() - read.signedAt.getTime() < LIFETIME;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-iam-"));
  bucket = await startBucket();
  const authority = makeAuthority("the cloud's authority");
  await writeFile(join(folder, "ca.pem"), authority.certificate);
  const { address: server } = newestServer();
  front = await startFront({
    server,
    identity: authority.issue(["localhost"]),
    admit: (token, user) => {
      if (!isGood(token, user)) return false;
      accepted.push(token);
      return true;
    },
  });
  address = {
    ...{ host: "localhost", port: front.port, database: "postgres", user: "promoter" },
    ...{ sslmode: "verify-full", sslrootcert: join(folder, "ca.pem"), iam: { region: REGION } },
  };
});
afterAll(async () => {
  await front.stop();
  await bucket.stop();
  await rm(folder, { recursive: true });
});

/** The same store, which gives nothing out until the newest token has run out. */
function slow(store: ObjectStore): ObjectStore {
  const newest = accepted.at(-1) ?? "";
  const lapsed = () =>
    expect.poll(() => isGood(newest, "promoter"), { timeout: 10_000, interval: 100 }).toBe(false);
  return {
    ...store,
    async *getStream(...asked) {
      await lapsed();
      yield* store.getStream(...asked);
    },
  };
}

test("a backup, and a restore that takes longer than a token lives, connect with a fresh token each time", async () => {
  const of = ({ database }: DatabaseAddress) => ({ ...address, database });
  const source = await freshDatabase(
    newestServer(),
    `create table t (id int primary key, note text); create index on t (note);
     insert into t select g, md5(g::text) from generate_series(1, 5000) g`,
  );
  const target = await freshDatabase(newestServer());
  const common = { application: "iam test", connections: 2 };
  const manifest = await backUp({ ...common, source: of(source), store: bucket.store, prefix: "iam/" });
  await restore({ ...common, target: of(target), store: slow(bucket.store), manifest });
  const session = await openSession(of(target), { application: "iam test" });
  expect(compareBaselines(manifest.baseline, await readBaseline(session))).toEqual([]);
  await session.close();
  expect(new Set(accepted).size).toBeGreaterThan(1);
  await dropDatabases(source, target);
});

test("a token for another region is not accepted, and is not shown to a server that cannot prove its name", async () => {
  const elsewhere = { ...address, iam: { region: "us-east-1" } };
  expect(await refusalOf(() => openSession(elsewhere, { application: "iam test" }))).toMatchObject({
    code: "DatabaseUnreachable",
    message: expect.stringContaining("password authentication failed"),
    hint: expect.stringContaining("the password"),
  });
  const known = accepted.length;
  const wrong = { ...address, host: "127.0.0.1" };
  expect(await refusalOf(() => openSession(wrong, { application: "iam test" }))).toMatchObject({
    code: "CertificateRefused",
    hint: expect.stringContaining("a name that the certificate is for"),
  });
  expect(accepted).toHaveLength(known);
});
