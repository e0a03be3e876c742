/**
 * What becomes of a promotion whose backup is damaged in the bucket, or whose bucket fails it, at each place where it matters.
 * Long because each place of damage is a whole promotion, on one service.
 */
import { zstdCompressSync } from "node:zlib";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manifestBytes, parseManifest } from "../../core/backup-manifest.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { type FaultyProxy, startFaultyProxy } from "../local/faulty-proxy.ts";
import { dropDatabases, freshDatabase, newestServer, rows } from "../postgres.ts";
import { BackupOf, leftInBucket } from "../service/backup-of.ts";
import { contentOf } from "../service/content.ts";
import { type Hook, startHook } from "../service/hook.ts";
import { LocalService } from "../service/local-service.ts";
import { expectPromotedOnce, expectUntouched } from "../service/outcome.ts";
import { OUTSIDE, PROJECT, SCHEMA } from "../service/project.ts";

const server = newestServer();
const made: DatabaseAddress[] = [];
let proxy: FaultyProxy;
let service: LocalService;
let smoke: Hook;
let smokeStatus = 200;
/** All in one transaction, and one that needs a fence. */
let release: string;
let fenced: string;

beforeAll(async () => {
  proxy = await startFaultyProxy(() => service.stack.endpoints.s3);
  smoke = await startHook(() => smokeStatus);
  service = await new LocalService(server.address, "damaged", {
    environment: { AWS_ENDPOINT_URL_S3: proxy.url },
  }).start();
  release = await service.release({ ...PROJECT });
  fenced = await service.release({ ...PROJECT, ...OUTSIDE });
});

afterAll(async () => {
  await service.stop();
  await smoke.stop();
  await proxy.stop();
  await dropDatabases(...made);
});

let environments = 0;
async function environment(sql = SCHEMA, policy: object = {}) {
  const name = `e${++environments}`;
  const address = await freshDatabase(server, sql, `damaged_${name}_${process.pid}`);
  made.push(address);
  await service.register(name, address, policy);
  return { name, address, before: await contentOf(address) };
}

/** Numbers from 0 to 1 that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const random = seeded(33);

/** One bit, at a place by chance. */
function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const at = Math.floor(random() * changed.length);
  changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  return changed;
}

/** As somebody would who wants other rows restored: valid in every way, but not what the ledger recorded. */
function edited(bytes: Uint8Array): Uint8Array {
  const manifest = parseManifest(bytes);
  const [first, ...rest] = manifest.data;
  if (first === undefined) throw new Error("the backup has no rows");
  return manifestBytes({ ...manifest, data: [{ ...first, rows: first.rows + 1 }, ...rest] });
}

/** The object that the refusal names; what was done to it is done before. */
type Damage = (backup: BackupOf) => Promise<string>;

const KINDS: [kind: string, key: (backup: BackupOf) => string][] = [
  ["the table of contents", ({ manifest }) => manifest.toc.key],
  ["a table's rows", ({ manifest }) => manifest.data[0]?.key ?? ""],
  ["the large objects", ({ manifest }) => manifest.largeObjects[0]?.key ?? ""],
  ["the manifest", ({ manifestKey }) => manifestKey],
];
const kinds = (...names: string[]) => KINDS.filter(([kind]) => names.includes(kind));

const rowsOf = (backup: BackupOf) => backup.manifest.data[0]?.key ?? "";

async function changed(backup: BackupOf, key: string, change: (bytes: Uint8Array) => Uint8Array) {
  await backup.change(key, change);
  return key;
}

/** Promotes up to the gate, does the damage, and follows the promotion to its refusal with production as it was. */
async function expectRefused(point: string, damage: Damage, code: "BackupCorrupt" | "BackupObjectMissing") {
  const { name, address, before } = await environment();
  const gate = service.gate(point);
  const id = await service.promote(name, release);
  await gate.reached();
  const backup = await BackupOf.open(service, id);
  const named = await damage(backup);
  backup.close();
  gate.open();
  const detail = await service.until(id, "refused");
  expect(detail.error).toMatchObject({
    code,
    message: expect.stringContaining(named),
    hint: expect.stringContaining("else take another backup"),
  });
  await expectUntouched(service, detail, address, before);
}

describe("a backup that is damaged before it is restored", () => {
  const refused = (damage: Damage) => expectRefused("restore:begun", damage, "BackupCorrupt");

  test.each(KINDS)(
    "fault 33: one bit of %s is flipped in the bucket: the backup is refused, and production is as it was",
    async (_kind, key) => {
      await refused((backup) => changed(backup, key(backup), flipped));
    },
  );

  // Objects that are cut short, swapped or flipped anywhere are refused by the same reading: test/io/backup.test.ts.
  test("fault 33: the manifest is edited into another valid one: the backup is refused, and production is as it was", async () => {
    await refused((backup) => changed(backup, backup.manifestKey, edited));
  });

  test("abuse 9: an object is replaced by a few kB that would become 200 MB: the backup is refused, and production is as it was", async () => {
    const bomb = zstdCompressSync(Buffer.alloc(200_000_000, "1\tx\n"));
    await refused((backup) => changed(backup, rowsOf(backup), () => bomb));
  });

  test.each(kinds("a table's rows", "the manifest"))(
    "fault 34: with %s removed from the bucket the backup is refused, and production is as it was",
    async (_kind, key) => {
      const damage: Damage = async (backup) => {
        await backup.remove(key(backup));
        return key(backup);
      };
      await expectRefused("restore:begun", damage, "BackupObjectMissing");
    },
  );
});

describe("a backup that is damaged when it has been restored", () => {
  test("fault 33: one bit is flipped when the copy stands: nothing is migrated, and production is as it was", async () => {
    await expectRefused(
      "migrate:begun",
      (backup) => changed(backup, rowsOf(backup), flipped),
      "BackupCorrupt",
    );
  });

  test("fault 33: the manifest is edited into another valid one when the copy stands: nothing is migrated, and production is as it was", async () => {
    const damage: Damage = (backup) => changed(backup, backup.manifestKey, edited);
    await expectRefused("migrate:begun", damage, "BackupCorrupt");
  });

  test("fault 34: an object is removed when the copy stands: nothing is migrated, and production is as it was", async () => {
    const damage: Damage = async (backup) => {
      const key = backup.manifest.largeObjects[0]?.key ?? "";
      await backup.remove(key);
      return key;
    };
    await expectRefused("migrate:begun", damage, "BackupObjectMissing");
  });
});

describe("a rollback whose copy is gone and whose backup cannot be read", () => {
  const KEY_DISABLED = { kind: "status", status: 400, code: "KMS.DisabledException" } as const;

  /** A promotion that has migrated, whose copy somebody has dropped, and which has to go back. */
  async function goesBackWithoutCopy(spoil: (backup: BackupOf) => Promise<void>) {
    const { name, address, before } = await environment(SCHEMA, { hooks: { smoke: smoke.url } });
    const gate = service.gate("verify:compared");
    const id = await service.promote(name, fenced);
    await gate.reached();
    await dropDatabases({ ...address, database: `${address.database}__pristine_${id}_1` });
    const backup = await BackupOf.open(service, id);
    await spoil(backup);
    smokeStatus = 500;
    gate.open();
    const detail = await service.until(id, "held");
    smokeStatus = 200;
    return { name, address, before, backup, detail };
  }

  /** Held with everything kept and the mend told; and the mend, once done, brings production back. */
  async function expectHeldAndMended(
    { name, address, before, backup, detail }: Awaited<ReturnType<typeof goesBackWithoutCopy>>,
    mend: () => Promise<void>,
  ) {
    const kept = { ...address, database: `${address.database}__fenced_${detail.id}` };
    expect(await rows(kept, "select count(*)::int as n from public.speakers")).toEqual([{ n: 2 }]);
    expect(detail.steps.at(-1)).toMatchObject({
      step: "hold",
      outcome: { mend: expect.stringContaining(`rehearsal rollback ${detail.id} --confirm ${name}`) },
    });
    await mend();
    for (const key of backup.keys) expect((await backup.read(key)).length).toBeGreaterThan(0);
    backup.close();
    await service.must("POST", `/promotions/${detail.id}/rollback`, { confirm: name });
    const ended = await service.until(detail.id, "rolled-back");
    const failed = `${address.database}__failed_${detail.id}`;
    made.push({ ...address, database: failed });
    await expectUntouched(service, ended, address, before, [failed]);
  }

  test("fault 34: a rollback that needs an object which is missing is held with everything kept, and ends once it is back", async () => {
    const held = await goesBackWithoutCopy((backup) => backup.remove(rowsOf(backup)));
    expect(held.detail.error).toMatchObject({
      code: "BackupObjectMissing",
      message: expect.stringContaining(rowsOf(held.backup)),
      hint: expect.stringContaining("restore it if the bucket keeps versions"),
    });
    await expectHeldAndMended(held, () => held.backup.bringBack(rowsOf(held.backup)));
  });

  test("fault 35: a rollback that needs the backup while its KMS key is disabled is held with everything kept, and ends once it is enabled", async () => {
    const held = await goesBackWithoutCopy(async (backup) =>
      proxy.inject(KEY_DISABLED, { method: "GET", path: new RegExp(rowsOf(backup)) }),
    );
    expect(held.detail.error).toMatchObject({
      code: "EncryptionKeyUnusable",
      message: expect.stringContaining("KMS.DisabledException"),
      hint: expect.stringContaining("aws kms enable-key"),
    });
    await expectHeldAndMended(held, async () => expect(proxy.spent()).toBe(true));
  });

  test.each([
    ["written", "PUT"],
    ["read", "GET"],
  ])(
    "fault 35: a KMS key that is disabled when the backup is %s: the promotion is refused, and production is as it was",
    async (_done, method) => {
      const { name, address, before } = await environment();
      proxy.inject(KEY_DISABLED, { method, path: /\/backups\/.*\.zst/ });
      const detail = await service.until(await service.promote(name, release), "refused");
      expect(detail.error).toMatchObject({
        code: "EncryptionKeyUnusable",
        hint: expect.stringContaining("aws kms enable-key"),
      });
      expect(proxy.spent()).toBe(true);
      await expectUntouched(service, detail, address, before);
    },
  );
});

describe("a bucket that has its troubles", () => {
  let wanted: Awaited<ReturnType<typeof contentOf>>;

  test("fault 36: a manifest whose writing met 409, and then lost its answer, is known by its hash: the promotion goes on", async () => {
    const { name, address } = await environment();
    const manifest = { method: "PUT", path: /manifest\.json/ };
    proxy.inject({ kind: "status", status: 409, code: "ConditionalRequestConflict" }, manifest);
    proxy.inject({ kind: "lost-reply" }, manifest);
    const detail = await service.until(await service.promote(name, release), "promoted");
    expect(proxy.spent()).toBe(true);
    wanted = await contentOf(address);
    await expectPromotedOnce(service, detail, address, wanted);
    expect(detail.steps.map(({ attempt }) => attempt)).toEqual(detail.steps.map(() => 1));
  });

  test("fault 36: what is no manifest lies where this backup's is to be: it is not overwritten, and production is as it was", async () => {
    const { name, address, before } = await environment();
    const gate = service.gate("back-up:begun");
    const id = await service.promote(name, release);
    await gate.reached();
    const client = new S3Client({ endpoint: service.stack.endpoints.s3 });
    const at = { Bucket: service.variables.REHEARSAL_BUCKET, Key: `backups/${name}/${id}-1/manifest.json` };
    await client.send(new PutObjectCommand({ ...at, Body: "somebody else's" }));
    gate.open();
    const detail = await service.until(id, "refused");
    expect(detail.error).toMatchObject({
      code: "ManifestUnreadable",
      hint: expect.stringContaining("take another one"),
    });
    const kept = await client.send(new GetObjectCommand(at));
    expect(await kept.Body?.transformToString()).toBe("somebody else's");
    client.destroy();
    await expectUntouched(service, detail, address, before);
  });

  test("fault 31: 503, 500, resets, lost answers and answers that break off while it backs up and restores: the promotion goes on", async () => {
    const { name, address } = await environment();
    const writing = { method: "PUT", path: /\/backups\// };
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, writing);
    proxy.inject({ kind: "status", status: 500, code: "InternalError" }, writing);
    proxy.inject({ kind: "reset" }, writing);
    proxy.inject({ kind: "lost-reply" }, writing);
    const reading = { method: "GET", path: /\/backups\/.*\.(zst|dump)/ };
    proxy.inject({ kind: "status", status: 503, code: "SlowDown" }, reading);
    proxy.inject({ kind: "reset" }, reading);
    proxy.inject({ kind: "truncate", after: 40 }, reading);
    const detail = await service.until(await service.promote(name, release), "promoted");
    expect(proxy.spent()).toBe(true);
    await expectPromotedOnce(service, detail, address, wanted);
  });

  test("fault 32: an upload that dies half-way for good is aborted, leaves nothing in the bucket, and production is as it was", async () => {
    const { name, address, before } = await environment(`${SCHEMA} ${MORE_THAN_A_PART}`);
    proxy.inject({ kind: "status", status: 403, code: "AccessDenied" }, { path: /partNumber=2/, times: 9 });
    const detail = await service.until(await service.promote(name, release), "refused");
    expect(detail.error).toMatchObject({
      code: "ObjectForbidden",
      hint: expect.stringContaining("check the credentials"),
    });
    expect(proxy.seen.some((line) => /partNumber=2/.test(line))).toBe(true);
    const { s3 } = service.stack.endpoints;
    const left = await leftInBucket(s3, service.variables.REHEARSAL_BUCKET ?? "", `backups/${name}/`);
    expect(left).toEqual({ keys: [], uploads: [] });
    await expectUntouched(service, detail, address, before);
  });
});

/** One range of pages, of text that 8 MiB do not hold, however well it is compressed. */
const MORE_THAN_A_PART = `create table long (id int primary key, body text);
  insert into long select g, (select string_agg(encode(sha256((random()::text || g || n)::bytea), 'base64'), '') from generate_series(1, 320) n)
    from generate_series(1, 1000) g;`;
