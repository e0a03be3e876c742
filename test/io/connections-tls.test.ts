/** TLS and passwords, at a real server with certificates of an authority of our own. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareBaselines } from "../../core/baseline.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { frontendMessage } from "../../io/postgres/backend-messages.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { dumpSchema } from "../../io/postgres/dump/index.ts";
import { restore } from "../../io/postgres/restore.ts";
import { openSession } from "../../io/postgres/session.ts";
import { openPulledWire, openWire } from "../../io/postgres/wire.ts";
import { startBucket } from "../bucket.ts";
import { makeAuthority } from "../certificates.ts";
import { execute, freshDatabase, newestServer, rows } from "../postgres.ts";
import { greet, startFront } from "../postgres-front.ts";
import { refusalOf } from "../refusal.ts";
import { startTlsServer } from "../tls-server.ts";

const ours = makeAuthority("our authority");
const theirs = makeAuthority("somebody else's authority");
const good = ours.issue(["localhost", "127.0.0.1"]);

let folder: string;
let server: Awaited<ReturnType<typeof startTlsServer>>;
/** Verified by our authority's certificate. */
let secure: DatabaseAddress;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rehearsal-tls-"));
  for (const [name, text] of Object.entries({
    "ours.pem": ours.certificate,
    "theirs.pem": theirs.certificate,
    "not.pem": "nothing of the kind",
    hba: HBA,
  }))
    await writeFile(join(folder, name), text, { mode: 0o600 });
  server = await startTlsServer(folder, good, { hba_file: join(folder, "hba") });
  secure = { ...server.address, sslmode: "verify-full", sslrootcert: join(folder, "ours.pem") };
  await execute(
    server.address,
    `create role scram_user login superuser password 'secret';
     create role clear_user login superuser password 'secret'; create role trusted_user login superuser;
     set password_encryption = md5; create role md5_user login superuser password 'secret'`,
  );
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const HBA = `host all clear_user all password
host all trusted_user all trust
host all md5_user all md5
host all all all scram-sha-256
`;

/** What a session by this address says of itself; or it throws. */
async function say(address: DatabaseAddress) {
  const session = await openSession(address, { application: "test" });
  const [row] = await session.query<{ user: string; tls: boolean; version: string }>(
    "select current_user as user, ssl as tls, version from pg_stat_ssl where pid = pg_backend_pid()",
  );
  await session.close();
  return row;
}

describe("certificates", () => {
  test("one of the named authority, for the name or the number of the host, is accepted by all that connects", async () => {
    for (const host of ["localhost", "127.0.0.1"])
      expect(await say({ ...secure, host })).toMatchObject({ tls: true, version: "TLSv1.3" });
    for (const open of [openWire, openPulledWire]) {
      const wire = await open(secure, "test");
      expect((wire.socket as TLSSocket).authorized).toBe(true);
      wire.socket.destroy();
    }
  });

  test("one of an authority that the whole service trusts is accepted without naming it", async () => {
    const session = new URL("../../io/postgres/session.ts", import.meta.url).href;
    const { sslrootcert, ...address } = secure;
    const program = `const { openSession } = await import(${JSON.stringify(session)});
      const session = await openSession(${JSON.stringify(address)}, { application: "test" });
      console.log(JSON.stringify(await session.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()")));
      await session.close();`;
    const connects = (more: NodeJS.ProcessEnv) =>
      promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
        env: { ...process.env, ...more },
      });
    expect((await connects({ NODE_EXTRA_CA_CERTS: sslrootcert })).stdout).toBe('[{"ssl":true}]\n');
    await expect(connects({})).rejects.toThrow("CertificateRefused");
  });

  test("without verification any is, and without TLS none is needed", async () => {
    expect(await say({ ...server.address, sslmode: "require" })).toMatchObject({ tls: true });
    expect(await say(server.address)).toMatchObject({ tls: false });
  });

  test.each([
    ["of an authority that nobody named", ours.issue(["localhost"]), undefined, "sslrootcert=FILE"],
    ["of another authority", ours.issue(["localhost"]), "theirs.pem", "sslrootcert=FILE"],
    [
      "of an authority only by name",
      makeAuthority("our authority").issue(["localhost"]),
      "ours.pem",
      "sslrootcert=FILE",
    ],
    ["for another host", ours.issue(["db.example.org"]), "ours.pem", "a name that the certificate is for"],
    ["that has expired", ours.issue(["localhost"], -1), "ours.pem", "renew the server's certificate"],
  ])("one %s is refused, once and for all", async (_, identity, named, hint) => {
    await server.present(identity);
    const address: DatabaseAddress = { ...server.address, host: "localhost", sslmode: "verify-full" };
    if (named !== undefined) address.sslrootcert = join(folder, named);
    for (const open of [say, (to: DatabaseAddress) => openWire(to, "test"), dump])
      expect(await refusalOf(() => open(address))).toMatchObject({
        code: "CertificateRefused",
        message: expect.stringContaining("localhost"),
        hint: expect.stringContaining(hint),
      });
    await server.present(good);
  });

  test("a server that speaks no TLS is not spoken to where TLS is demanded", async () => {
    for (const sslmode of ["require", "verify-full"] as const)
      expect(await refusalOf(() => say({ ...newestServer().address, sslmode }))).toMatchObject({
        code: "EncryptionMissing",
        hint: expect.stringContaining("turn on ssl"),
      });
  });

  test("a file of authorities that is missing, or is none, is named", async () => {
    for (const [name, reason] of [
      ["absent.pem", "cannot be read where the service runs: ENOENT"],
      ["not.pem", "holds no certificate"],
    ] as const) {
      const sslrootcert = join(folder, name);
      const refused = await refusalOf(() => say({ ...secure, sslrootcert }));
      expect(refused).toMatchObject({ code: "InputInvalid", hint: expect.stringContaining("correct") });
      expect(refused.message).toContain(reason);
      expect(refused.message).not.toContain("nothing of the kind");
    }
  });
});

const dump = (address: DatabaseAddress) => dumpSchema(address, { application: "test" });

describe("passwords", () => {
  const as = (user: string, more: Partial<DatabaseAddress> = {}) => ({
    ...secure,
    ...{ user, password: "secret", ...more },
  });
  const bound = { channelBinding: "require" } as const;
  const plain = { sslmode: "disable" } as const;

  test("SCRAM is answered, bound to the TLS connection where that is demanded", async () => {
    for (const more of [{}, bound, plain, { ...bound, sslmode: "require" } as const])
      expect(await say(as("scram_user", more))).toMatchObject({ user: "scram_user" });
    await expect(say(as("scram_user", { password: "wrong" }))).rejects.toMatchObject({
      code: "DatabaseUnreachable",
      message: expect.stringContaining("password authentication failed"),
    });
  });

  test("an MD5 password still works, for what it is worth", async () => {
    expect(await say(as("md5_user"))).toMatchObject({ user: "md5_user" });
  });

  test("a password in clear is given over TLS only", async () => {
    expect(await say(as("clear_user"))).toMatchObject({ user: "clear_user" });
    expect(await refusalOf(() => say(as("clear_user", plain)))).toMatchObject({
      code: "AuthenticationWeak",
      message: expect.stringContaining("in clear, over a connection without TLS"),
      hint: expect.stringContaining("scram-sha-256"),
    });
  });

  test.each(["md5_user", "clear_user", "trusted_user"])(
    "where binding is demanded, %s, who could enter without it, is not let in by us",
    async (user) => {
      expect(await refusalOf(() => say(as(user, bound)))).toMatchObject({
        code: "AuthenticationWeak",
        hint: expect.stringContaining("scram-sha-256"),
      });
    },
  );
});

test("a server that offers binding and then lets us in without it has proved nothing, and is left", async () => {
  const wire = await openWire(server.address, "test");
  const front = await startFront({
    server: server.address,
    identity: good,
    join: async (guest) => {
      guest.write(frontendMessage("R", "\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0"));
      await once(guest, "data");
      greet(guest, wire, {});
    },
  });
  const address: DatabaseAddress = { ...secure, port: front.port, channelBinding: "require" };
  expect(await refusalOf(() => say(address))).toMatchObject({
    code: "AuthenticationWeak",
    message: expect.stringContaining("did not prove"),
    hint: expect.stringContaining("scram-sha-256"),
  });
  await front.stop();
  wire.socket.destroy();
});

describe("data over TLS", () => {
  test("sixty megabytes are backed up and restored, structure and all", async () => {
    const bucket = await startBucket();
    const source = await freshDatabase(server, LARGE);
    const target = await freshDatabase(server);
    const over = ({ database }: DatabaseAddress) => ({ ...secure, database });
    const common = { application: "tls test", store: bucket.store, connections: 2 };
    const manifest = await backUp({ ...common, source: over(source), prefix: "tls/", chunkBytes: 16 << 20 });
    expect(manifest.data.reduce((sum, { rawBytes }) => sum + rawBytes, 0)).toBeGreaterThan(60e6);
    await restore({ ...common, target: over(target), manifest });
    const session = await openSession(over(target), { application: "test" });
    expect(compareBaselines(manifest.baseline, await readBaseline(session))).toEqual([]);
    await session.close();
    expect(await dump(over(target))).toBe(await dump(source));
    await bucket.stop();
  });

  test("what a connection runs can be cancelled from another", async () => {
    const wire = await openWire(secure, "tls cancel");
    let heard = "";
    wire.socket.on("data", (bytes: Buffer) => {
      heard += bytes.toString("latin1");
    });
    wire.socket.resume();
    const query = Buffer.from("select pg_sleep(600)\0");
    wire.socket.write(Buffer.concat([Buffer.from([0x51, 0, 0, 0, query.length + 4]), query]));
    const running =
      "select 1 from pg_stat_activity where application_name = 'tls cancel' and state = 'active'";
    await expect.poll(() => rows(server.address, running)).toHaveLength(1);
    await wire.cancel();
    await expect.poll(() => heard).toContain("57014");
    wire.socket.destroy();
  });
});

const LARGE = `create table large (id int primary key, filler text);
  insert into large select g, repeat(md5(g::text), 10) from generate_series(1, 190000) g;
  create view much as select count(*) from large; select lo_from_bytea(7, decode(repeat('00ff', 1000000), 'hex'))`;
