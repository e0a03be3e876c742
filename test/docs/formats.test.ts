/**
 * FORMATS.md: every example in it is computed again by the product's own functions, so the page cannot tell yesterday's story.
 * Long because the page is one: each of its sections has its case here, in its order.
 */
import { createDecipheriv, createHmac } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { findConnection } from "../../cli/connection.ts";
import { sqliteReport } from "../../cli/sqlite-import-text.ts";
import {
  type BackupManifest,
  backupManifestSchema,
  type CopiedObject,
  manifestDigest,
  parseManifest,
} from "../../core/backup-manifest.ts";
import type { Baseline } from "../../core/baseline.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { configurationRecordSchema } from "../../core/configuration.ts";
import { parseDataPlan, planEvidence } from "../../core/data-plan.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { type Evidence, evidenceDigest } from "../../core/evidence.ts";
import { FORMAT_NAMES } from "../../core/formats/format.ts";
import { FORMATS } from "../../core/formats/formats.ts";
import { ContentSums } from "../../core/import/content-sum.ts";
import { disagreementLine, refusedLine, unreadLine } from "../../core/import/report.ts";
import type { SqliteReport } from "../../core/import/sqlite-report.ts";
import { parseInventory } from "../../core/inventory.ts";
import { type CopyHead, type CopyLine, copyText } from "../../core/ledger-copy.ts";
import { type EventContent, findBrokenLink, LOG_START, type LogEntry, linkEvent } from "../../core/log.ts";
import { parseMigration } from "../../core/migration.ts";
import { type DatabaseUse, databaseName } from "../../core/names.ts";
import { coverPlans } from "../../core/plan-coverage.ts";
import { manifestBytes, parseBundle } from "../../core/prune/bundle.ts";
import { WRITTEN } from "../../core/query/rows.ts";
import { buildBundle, readBundle } from "../../core/release.ts";
import { manifestSchema } from "../../core/release-manifest.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { reportMarkdown } from "../../core/report-markdown.ts";
import { parseSchemaLock, schemaLock, schemaLockText } from "../../core/schema-lock.ts";
import { fingerprint, type Shape } from "../../core/shape.ts";
import { squashDigest } from "../../core/squash.ts";
import { type StoredVersion, storageListSchema } from "../../core/storage.ts";
import type { StoreModel } from "../../core/store/definition.ts";
import { addDigest, canonicalRow, NOTHING, rowDigest } from "../../core/store/digest.ts";
import { documentBytes, lineText, parseDocument, parseLines } from "../../core/store/files.ts";
import { typeOf } from "../../core/store/lock-types.ts";
import { pathOf } from "../../core/store/paths.ts";
import type { Row } from "../../core/store/store.ts";
import { codecOf } from "../../core/store/values.ts";
import { readStateFile, writeStateFile } from "../../core/workspace.ts";
import { openConfiguration } from "../../functions/configuration.ts";
import type { FencedContent } from "../../functions/steps/fence.ts";
import type { CopyWriters } from "../../functions/steps/restore.ts";
import { readObject, writeObject } from "../../io/backup-objects.ts";
import { copyKey, copyObject, readCopyObject } from "../../io/ledger/copies.ts";
import { logKey, logObject } from "../../io/ledger/outbox.ts";
import { openListWriter, readList } from "../../io/object-list.ts";
import { backUp } from "../../io/postgres/backup.ts";
import { findTables, readBaseline } from "../../io/postgres/baseline.ts";
import { CHUNK_BYTES } from "../../io/postgres/copy-plan.ts";
import { reading } from "../../io/postgres/reading.ts";
import { restore } from "../../io/postgres/restore.ts";
import { rowHash } from "../../io/postgres/row-hash.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { openFolderPlace } from "../../io/store/folder-place.ts";
import { type Head, parseHead } from "../../io/store/head.ts";
import { openJsonStore } from "../../io/store/json-store.ts";
import { startBucket } from "../bucket.ts";
import { definitionOf, lockOf } from "../core/store/a-definition.ts";
import { dropDatabases, execute, freshDatabase, olderThanAll, rows, servers } from "../postgres.ts";

const page = await readFile(new URL("../../FORMATS.md", import.meta.url), "utf8");
const examples = new Map(
  [...page.matchAll(/^```\w+ example=([\w-]+)\n(.*?)\n```$/gms)].map(([, name, text]) => [name, text]),
);
const used = new Set<string>();

/** The example of that name, as it stands between its fences. */
function example(name: string): string {
  const text = examples.get(name);
  if (text === undefined) throw new Error(`FORMATS.md has no example "${name}"`);
  used.add(name);
  return text;
}

const json = <T>(name: string): T => JSON.parse(example(name)) as T;

test("canonical JSON and the hash are as described", () => {
  expect(canonicalJson(json<Json>("json-value"))).toBe(example("json-canonical"));
  expect(sha256(example("json-canonical"))).toBe(example("json-sha256"));
});

test("a schema lock is made of a shape, and carries the hash of what it promises", () => {
  const made = schemaLockText(schemaLock(json<Shape>("shape")));
  expect(made).toBe(`${example("schema-lock")}\n`);
  const { format: _, fingerprint: hash, ...promised } = parseSchemaLock(Buffer.from(made));
  expect(sha256(canonicalJson(promised as unknown as Json))).toBe(hash);
});

test("a squash names what it stands for, and is proved under a hash of exactly that", async () => {
  const bytes = Buffer.from(`${example("squash")}\n`);
  const squash = await parseMigration("migrations/0002_videos.sql", bytes);
  expect(squash.squashes?.map(({ path }) => path)).toEqual([
    "migrations/0001_create_videos.sql",
    "migrations/0002_create_videos_again.sql",
  ]);
  expect(squashDigest([squash], squash)).toBe(example("squash-digest"));
});

test("a migration's checksum covers the raw bytes", async () => {
  for (const { text, sha256: promised } of json<{ text: string; sha256: string }[]>("migrations")) {
    const bytes = Buffer.from(text);
    expect((await parseMigration("migrations/0001_create_videos.sql", bytes)).sha256).toBe(promised);
  }
});

test("an inventory and a workspace's state are read as they are shown", () => {
  const { tables, storage, configuration, state } = parseInventory(Buffer.from(example("inventory")));
  expect(tables?.map(({ schema, name }) => [schema, name])).toEqual([
    ["public", "users"],
    ["billing", "odd.name"],
  ]);
  expect([storage.length, configuration?.length, Object.keys(state)]).toEqual([
    2,
    2,
    ["roleFile", "stateFile"],
  ]);
  const shown = readStateFile(example("workspace-state"));
  if (typeof shown === "string") throw new Error(shown);
  expect(writeStateFile(shown, "provisional", shown.promotion)).toBe(`${example("workspace-state")}\n`);
});

test("the page names every format's folder", () => {
  for (const name of FORMAT_NAMES)
    expect(page, name).toMatch(
      new RegExp(`^\\| \`${name}\` +\\| \`${FORMATS[name].layout.folder.replace(".", "\\.")}\` +\\|$`, "m"),
    );
});

test("the files make the bundle, and the manifest's bytes the release's hash", () => {
  const files = Object.entries(json<Record<string, string>>("release-files")).map(([path, text]) => ({
    path,
    bytes: Buffer.from(text),
  }));
  const bundle = buildBundle(files);
  const bytes = Buffer.from(`${example("release-bundle")}\n`);
  expect(Buffer.from(bundle.bytes).toString()).toBe(bytes.toString());
  expect(bundle.hash).toBe(example("release-hash"));
  expect(sha256(bytes.subarray(0, bytes.indexOf(10)))).toBe(example("release-hash"));
  expect(readBundle(bytes, example("release-hash")).files).toHaveLength(files.length);
});

test("a shape's fingerprint is the hash of its canonical JSON", () => {
  expect(fingerprint(json<Shape>("shape"))).toBe(example("shape-fingerprint"));
  expect(sha256(canonicalJson(json<Json>("shape")))).toBe(example("shape-fingerprint"));
});

describe.each(servers)("on Postgres $major", (server) => {
  const made: DatabaseAddress[] = [];
  afterAll(() => dropDatabases(...made));

  async function inDatabase<T>(sql: string, work: (session: Session) => Promise<T>): Promise<T> {
    const address = await freshDatabase(server, sql);
    made.push(address);
    const session = await openSession(address, { application: "formats" });
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  test("the statements make the shape", async () => {
    expect(await inDatabase(example("shape-sql"), readShape)).toEqual(json<Shape>("shape"));
  });

  test("the statements make the baseline, and its sums are those of the hashes", async () => {
    const [first, second, piece, ...more] = json<Hashed[]>("baseline-hashes");
    if (first === undefined || second === undefined || piece?.text === undefined)
      throw new Error("two rows and a piece are hashed");
    expect(more).toEqual([]);
    await inDatabase(example("baseline-sql"), async (session) => {
      const baseline = await readBaseline(session);
      expect(baseline).toEqual(json("baseline"));
      const videos = baseline.tables['"public"."videos"'];
      expect(videos?.checksum).toBe(String(BigInt(first.hash) + BigInt(second.hash)));
      expect(baseline.largeObjects.checksum).toBe(piece.hash);
      const [table] = await findTables(session);
      expect(table?.columns.map(({ name }) => name)).toEqual(videos?.columns);
      expect(rowHash(table?.columns ?? [])).toBe(example("row-hash"));
      const hashed = await reading(session, () =>
        session.query(
          `select id::text as id, (${example("row-hash")})::text as hash from only public.videos t order by id`,
        ),
      );
      expect(hashed).toEqual([first, second]);
      const [text] = await session.query(
        `select hashtextextended($1::text collate "C", 0)::text as text, (${example("piece-hash")})::text as piece
          from (select 4242 as oid, 14 as length) object, (select 0::bigint as at) piece`,
        [piece.text],
      );
      expect(text).toEqual({ text: piece.hash, piece: piece.hash });
    });
  });

  test("a column is hashed as its type says", async () => {
    const [start, end] = rowHash([]).split("row()") as [string, string];
    const promised = Object.entries(json<Record<string, string[]>>("row-hash-columns")).flatMap(
      ([hashed, types]) => types.map((type) => [type, `${start}row(${hashed})${end}`]),
    );
    const sql = promised
      .map(([type], place) => `create table public."${1000 + place}" (c ${type})`)
      .join(";");
    const tables = await inDatabase(sql, findTables);
    expect(tables.map(({ columns }, place) => [promised[place]?.[0], rowHash(columns)])).toEqual(promised);
    // Each of them is an expression that the server knows.
    await inDatabase(sql, (session) => readBaseline(session));
  });

  test("such databases have such backups, one after the other, such writers and such content behind the fence", async () => {
    const bucket = await startBucket();
    const [source, target] = [
      await freshDatabase(server, `${example("baseline-sql")}${example("shape-sql")}`),
      await freshDatabase(server),
    ];
    made.push(source, target);
    const common = { application: "formats", connections: 1, store: bucket.store };
    const backup = "backups/videos-prod/p261121q7d2m0xa";
    try {
      await olderThanAll(source);
      const first = await backUp({ ...common, source, prefix: `${backup}-1/` });
      expect(lasting(first)).toEqual(lasting(json("backup-manifest")));
      const { writers } = await restore({ ...common, target, manifest: first });
      const { manifest: restored, writers: promised, ...kind } = json<CopyWriters>("writers");
      expect(kind).toEqual({ format: "rehearsal-writers/1" });
      expect(restored).toBe(example("backup-digest"));
      expect(Object.keys(promised)).toEqual(
        json<BackupManifest>("backup-manifest").data.map(({ key }) => key),
      );
      const [writer] = await rows<{ xmin: string }>(target, "select distinct xmin from public.videos");
      expect(writers).toEqual({ [first.data[0]?.key ?? ""]: writer?.xmin });
      await execute(source, example("differential-sql"));
      const follows = { base: first, sameStructure: true };
      const second = await backUp({ ...common, ...follows, source, prefix: `${backup}-fence-1/` });
      expect(lasting(second)).toEqual(lasting(json("differential-manifest")));
      expect(second.base).toBe(manifestDigest(first));
      const { baseline, kept, ...fenced } = json<FencedContent>("fenced");
      expect(fenced).toEqual({ format: "rehearsal-fenced/2" });
      expect(baseline).toEqual(second.baseline);
      const columns = Object.fromEntries(
        Object.entries(kept.tables).map(([name, table]) => [name, table.columns]),
      );
      expect(await readOf(source, { columns, tables: Object.keys(columns) })).toEqual(kept);
    } finally {
      await bucket.stop();
    }
  });

  test("what is read is read under the settings that are listed", async () => {
    const settings = json<Record<string, string>>("baseline-settings");
    const found = await inDatabase("", (session) =>
      reading(session, () =>
        session.query<{ name: string; value: string }>(
          "select name, current_setting(name) as value from unnest($1::text[]) name",
          [Object.keys(settings)],
        ),
      ),
    );
    expect(Object.fromEntries(found.map(({ name, value }) => [name, value]))).toEqual(settings);
  });
});

test("the backup's manifest is read and has the digest, and the page names every field of it", () => {
  const manifest = parseManifest(Buffer.from(example("backup-manifest")));
  expect(manifestDigest(manifest)).toBe(example("backup-digest"));
  for (const field of fieldsOf(z.toJSONSchema(backupManifestSchema) as Schema))
    expect(page, field).toContain(`\`${field}\``);
});

test("a manifest that follows another names the other's objects as the other does, and its own under its own prefix", () => {
  const base = parseManifest(Buffer.from(example("backup-manifest")));
  const manifest = parseManifest(Buffer.from(example("differential-manifest")));
  expect(manifest.base).toBe(example("backup-digest"));
  const known = new Map([base.toc, ...base.data, ...base.largeObjects].map((object) => [object.key, object]));
  const objects = [manifest.toc, ...manifest.data, ...manifest.largeObjects];
  const own = objects.filter(({ key }) => key.startsWith("backups/videos-prod/p261121q7d2m0xa-fence-1/"));
  const others = objects.filter((object) => !own.includes(object));
  expect([own.length, others.length]).toEqual([1, 3]);
  for (const object of others) expect(known.get(object.key)).toEqual(object);
  for (const { data, baseline } of [base, manifest]) expect(summed(data)).toEqual(checksums(baseline));
});

test("a table is cut from the size on that the page says", () => {
  expect(page).toContain(`takes more than ${CHUNK_BYTES / 1024 ** 2} MiB on disk is cut`);
});

test("the page names every field of a release's manifest", () => {
  for (const field of fieldsOf(z.toJSONSchema(manifestSchema) as Schema))
    expect(page, field).toContain(`\`${field}\``);
});

test("an object is one frame with a checksum, read back under its entry", async () => {
  const bucket = await startBucket();
  try {
    const { store } = bucket;
    const entry = json<CopiedObject>("object-entry");
    const stored = Buffer.from(example("object-hex"), "hex");
    const raw = json<string>("object-raw");
    expect([stored.length, sha256(stored), Buffer.byteLength(raw)]).toEqual([
      entry.size,
      entry.sha256,
      entry.rawBytes,
    ]);
    expect(hasContentChecksum(stored)).toBe(true);
    await store.put(entry.key, stored);
    const pieces: Uint8Array[] = [];
    for await (const piece of readObject(store, entry)) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(raw);
    const written = await writeObject(store, "written.zst", source(raw), () => undefined);
    const bytes = Buffer.from(await store.get("written.zst"));
    expect(written).toMatchObject({ size: bytes.length, sha256: sha256(bytes), rawBytes: entry.rawBytes });
    expect(hasContentChecksum(bytes)).toBe(true);
  } finally {
    await bucket.stop();
  }
});

test("the lines of stored objects make the list's part, and the page names every field of the list", async () => {
  const list = storageListSchema.parse(json("storage-list"));
  const text = `${example("storage-lines")}\n`;
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as StoredVersion);
  const bucket = await startBucket();
  try {
    for (const { bucket: name, prefix, ...written } of list.areas) {
      const key = written.parts[0]?.key ?? "";
      const writer = openListWriter(bucket.store, key.slice(0, key.lastIndexOf("/") + 1));
      for (const line of lines) await writer.add(line);
      expect(await writer.close(), `${name}/${prefix}`).toEqual(written);
      expect(Buffer.from(await bucket.store.get(key)).toString()).toBe(text);
      const found: StoredVersion[] = [];
      for await (const object of readList(bucket.store, written.parts)) found.push(object);
      expect(found).toEqual(lines);
    }
  } finally {
    await bucket.stop();
  }
  for (const field of fieldsOf(z.toJSONSchema(storageListSchema) as Schema))
    expect(page, field).toContain(`\`${field}\``);
});

test("captured configuration is opened as described, by the product and by nothing but AES", async () => {
  const record = configurationRecordSchema.parse(json("configuration-record"));
  const [item] = record.items;
  if (item === undefined) throw new Error("the record has no item");
  const plain = example("configuration-plain");
  const sealed = Buffer.from(example("configuration-sealed"), "hex");
  const key = Buffer.from(example("configuration-key"), "base64");
  const open = (under: Buffer, bytes: Buffer, about: string) => {
    const decipher = createDecipheriv("aes-256-gcm", under, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  };
  const about = `rehearsal-configuration/1\n${record.backup}\n`;
  const dataKey = open(key, Buffer.from(record.dataKey, "base64"), about);
  expect(open(dataKey, sealed, about + item.item).toString()).toBe(plain);
  const hmac = (under: Buffer, text: string) => createHmac("sha256", under).update(text).digest();
  expect(record.wrappingKey).toBe(hmac(key, "rehearsal-configuration/1 name").toString("hex").slice(0, 16));
  expect(item).toMatchObject({
    size: plain.length,
    hmac: hmac(hmac(key, "rehearsal-configuration/1 digest"), plain).toString("hex"),
  });
  const bucket = await startBucket();
  try {
    await bucket.store.put("configuration.json", Buffer.from(example("configuration-record")));
    await bucket.store.put(item.object, sealed);
    const opened: [string, string][] = [];
    for await (const one of openConfiguration(
      bucket.store,
      example("configuration-key"),
      "configuration.json",
    ))
      opened.push([one.item, Buffer.from(one.bytes).toString()]);
    expect(opened).toEqual([[item.item, plain]]);
  } finally {
    await bucket.stop();
  }
  for (const field of fieldsOf(z.toJSONSchema(configurationRecordSchema) as Schema))
    expect(page, field).toContain(`\`${field}\``);
});

test("the report is a whole one, and its hash stands in the evidence", () => {
  const report = json<RehearsalReport>("report");
  expect(Object.keys(report).sort()).toEqual(Object.keys(EVERY_FIELD).sort());
  const [run] = report.runs;
  const [wholeRun] = EVERY_FIELD.runs;
  expect(Object.keys(run ?? {}).sort()).toEqual(Object.keys(wholeRun ?? {}).sort());
  expect(reportMarkdown(report)).toContain("create table");
  expect(sha256(canonicalJson(report as unknown as Json))).toBe(example("report-sha256"));
  const { format, ...evidence } = json<{
    format: string;
    release: string;
    fingerprint: string;
    report: string;
  }>("evidence");
  expect(evidence.report).toBe(example("report-sha256"));
  expect(evidenceDigest(evidence)).toBe(example("evidence-digest"));
  expect(sha256(canonicalJson({ format, ...evidence }))).toBe(example("evidence-digest"));
});

test("a data plan names its statement by the fingerprint, and stands in the evidence", async () => {
  const migration = await parseMigration(
    "migrations/0001_clean.sql",
    Buffer.from(example("planned-statement")),
  );
  const bytes = Buffer.from(`${example("data-plan")}\n`);
  const plan = parseDataPlan("plans/0001.yaml", bytes);
  expect(coverPlans({ migrations: [migration], plans: [plan] }, { policy: "required" }).plans).toEqual([
    plan,
  ]);
  const plans = json<Record<string, string>>("evidence-plans");
  expect(planEvidence([plan])).toEqual(plans);
  const { format: _, ...evidence } = json<Evidence & { format: string }>("evidence");
  expect(evidenceDigest({ ...evidence, plans })).toBe(example("evidence-plans-digest"));
  expect(evidenceDigest({ ...evidence, plans, expectations: evidence.report })).not.toBe(
    example("evidence-plans-digest"),
  );
});

test("a query's row is written as described", () => {
  const types = { id: "bigint", price: "numeric", doc: "jsonb", sold: "boolean" };
  const columns = [
    ...Object.entries(types).map(([name, type]) => ({ name, type })),
    ...["nothing", "empty", "note"].map((name) => ({ name, type: "text" })),
  ];
  const doc = '{"a": [1.10, 12345678901234567890]}';
  const row = ["9007199254740993", "0.10", doc, "t", null, "", "=1+1"];
  expect(WRITTEN.ndjson.row(columns, row, true)).toBe(`${example("query-row")}\n`);
  const csv = WRITTEN.csv.head(columns) + WRITTEN.csv.row(columns, row, true);
  expect(csv).toBe(`${example("query-csv")}\n`.replaceAll("\n", "\r\n"));
});

test("an event's hash covers the previous hash, a line feed and the body", () => {
  const entries = json<LogEntry[]>("log-entries");
  let previous = LOG_START;
  for (const [place, content] of json<EventContent[]>("log-contents").entries()) {
    const entry = linkEvent(content, previous);
    expect(entries[place]).toEqual(entry);
    expect(sha256(`${previous}\n${canonicalJson(content as unknown as Json)}`)).toBe(entry.hash);
    previous = entry.hash;
  }
  expect(findBrokenLink(entries)).toBeUndefined();
  const [first] = entries;
  if (first === undefined) throw new Error("there is no first entry");
  expect(`${logKey(first.seq)}\n${logObject(first)}`).toBe(example("log-copy"));
});

test("an object of the ledger's copy says its head and its rows, and is read back as it was written", () => {
  const { head, lines } = json<{ head: CopyHead; lines: CopyLine[] }>("ledger-copy");
  expect(copyText(head, lines)).toBe(`${example("ledger-copy-text")}\n`);
  expect(readCopyObject(copyObject(head, lines))).toEqual({ head, lines });
  expect(page).toContain(`\`${copyKey(head.number)}\``);
});

test("databases are named as shown", () => {
  for (const { database, use, id, name } of json<
    { database: string; use: DatabaseUse; id: string; name: string }[]
  >("database-names"))
    expect(databaseName(database, use, id)).toBe(name);
});

test("the command finds the connection as shown", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-formats-"));
  try {
    await mkdir(join(folder, ".rehearsal"));
    await mkdir(join(folder, "below"));
    await writeFile(join(folder, ".rehearsal/connection.json"), example("connection"));
    const found = async (where: string, variables: Record<string, string>) => {
      const { url, credential } = await findConnection(where, variables);
      return { url, key: await credential() };
    };
    expect(await found(join(folder, "below"), {})).toEqual(json("connection"));
    expect(await found(folder, { REHEARSAL_KEY: "another" })).toEqual({
      ...json<object>("connection"),
      key: "another",
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the bundle of a prune is sealed by its digest, and each part by the bytes that it has", () => {
  const manifest = parseBundle("bundle", Buffer.from(example("prune-bundle")));
  expect(sha256(manifestBytes(manifest))).toBe(example("prune-bundle-digest"));
  const parts = manifest.records.flatMap((record) => record.parts);
  expect(parts.map((part) => part.sha256)).toEqual(
    ["1\tfirst look\n2\t\\N\n", "7\tnever used\n"].map(sha256),
  );
  expect(parts.at(-1)?.offset).toBe(parts[0]?.bytes);
});

test("a content sum is what it is said to be, and a report of an import from SQLite has these parts", () => {
  const sums = new ContentSums();
  sums.add(["1", "é"]);
  sums.add(["-2", null]);
  expect(sums.sum()).toEqual({ rows: 2, checksum: example("content-sum") });
  const report: SqliteReport = json<SqliteReport>("sqlite-report");
  expect(sqliteReport.parse(report).tables).toHaveLength(1);
  expect(Object.keys(report)).toEqual([
    ...["format", "import", "release", "environment", "task", "file", "imported", "tables", "left", "views"],
  ]);
});

test("a store's model, values, paths, files and sums are as described", () => {
  const [model] = definitionOf(example("store-yaml"), {
    tables: {
      "public.chats": {
        columns: { id: "uuid", title: "character varying(20)?", cover: "bytea" },
        constraints: { chats_pkey: "PRIMARY KEY (id)" },
      },
    },
  }).models;
  if (model === undefined) throw new Error("no model");
  expect(model).toEqual(json("store-model"));
  for (const [type, text, value] of json<[string, string, Json][]>("store-values")) {
    const codec = codecOf(typeOf(lockOf({ tables: {} }), type).of);
    expect(codec.read(text)).toEqual(value);
    expect(codec.read(codec.write(value))).toEqual(value);
  }
  for (const [id, path] of Object.entries(json<Record<string, string>>("store-paths")))
    expect(pathOf(model, { id })).toBe(path);
  const document = Buffer.from(`${example("store-document")}\n`);
  expect(documentBytes(parseDocument("a.json", document))).toEqual(document);
  const lines = Buffer.from(`${example("store-lines")}\n`);
  expect(
    parseLines("a.jsonl", lines)
      .lines.map(({ line }) => lineText(line))
      .join(""),
  ).toBe(lines.toString());
  const row = json<Row>("store-row");
  expect(canonicalRow(model, row)).toBe(example("store-canonical"));
  const digest = rowDigest(model, row);
  expect(digest).toBe(sha256(example("store-canonical")));
  expect(addDigest(addDigest(NOTHING, digest), digest)).toEqual(json("store-sum"));
});

test("a store's head is as described, after the commit that it tells of", async () => {
  const at = await mkdtemp(join(tmpdir(), "rehearsal-formats-"));
  try {
    const model = json<StoreModel>("store-model");
    const definition = {
      format: "rehearsal-store-models/1" as const,
      schema: "0".repeat(64),
      models: [model],
    };
    const place = await openFolderPlace(at);
    const store = await openJsonStore({ place, definition, as: "follower", create: "following" });
    const { last, notes, ...rest } = json<Head>("store-head");
    const put = json<Row>("store-row");
    await store.apply([{ model: model.name, put }], () => notes);
    const head = parseHead(await readFile(join(at, "head.json")));
    const id = head.last?.id ?? "";
    const told = JSON.stringify({ ...rest, notes, last }).replaceAll(last?.id ?? "", id);
    expect(head).toEqual(JSON.parse(told));
    await store.close();
  } finally {
    await rm(at, { recursive: true });
  }
});

test("the report of an import of files has a line of each kind", () => {
  const lines = [
    refusedLine("j5/", {
      ...{ code: "ImportValueRefused", path: "j5/job_record.json", at: "$.status" },
      reason: "it is missing",
    }),
    disagreementLine("a/", {
      what: "the customer",
      values: [
        { path: "a/job_record.json", at: "$.customer.code", value: "c1" },
        { path: "a/final.json", at: "$.customer", value: "c2" },
      ],
    }),
    unreadLine("b/Thumbs.db", "the mapping does not name it"),
  ];
  expect(lines.map((line) => JSON.stringify(line)).join("\n")).toBe(example("import-report"));
});

test("no example is left that nobody computes", () => {
  expect([...examples.keys()].filter((name) => name !== undefined && !used.has(name))).toEqual([]);
});

/** One of each field, so that the type checker tells when the report gets another. */
const EVERY_FIELD = {
  format: "rehearsal-report/1",
  promotion: "",
  environment: "",
  release: "",
  server: "",
  milliseconds: 0,
  runs: [{ transactional: true, milliseconds: 0, items: [], changed: {}, fingerprint: "" }],
  fingerprintBefore: "",
  fingerprintAfter: "",
  differences: [],
  bytesBefore: 0,
  bytesAfter: 0,
  walBytes: 0,
  unchangedTables: [],
  changedTables: [],
  brokenChecks: [],
} satisfies RehearsalReport;

interface Hashed {
  id?: string;
  text?: string;
  hash: string;
}

async function readOf(
  address: DatabaseAddress,
  options: Parameters<typeof readBaseline>[1],
): Promise<Baseline> {
  const session = await openSession(address, { application: "formats" });
  try {
    return await readBaseline(session, options);
  } finally {
    await session.close();
  }
}

/** A manifest without what is another on every server, in every run, or at every moment. */
function lasting(manifest: BackupManifest): unknown {
  const place = new Map(manifest.tables.map(({ tocId }, index) => [tocId, index]));
  const key = (text: string) =>
    text
      .replace(/\/[0-9a-f]{8}\//, "/RUN/")
      .replace(/data\/(\d+)/, (_, tocId) => `data/${place.get(Number(tocId))}`);
  const {
    base,
    server,
    database,
    snapshot,
    toc,
    tables,
    data,
    emptyTables,
    largeObjects,
    notCarried,
    ...rest
  } = manifest;
  return {
    ...rest,
    base: base !== null,
    server: Object.keys(server).sort(),
    database: { ...database, oid: null, name: null },
    snapshot: Object.keys(snapshot).sort(),
    toc: key(toc.key),
    tables: tables.map(({ tocId, heap, ...table }) => ({
      ...table,
      tocId: place.get(tocId),
      heap: heap && { ...heap, oid: null, filenode: null },
    })),
    data: data.map((object) => ({ ...object, key: key(object.key), tocId: place.get(object.tocId) })),
    emptyTables: emptyTables.map((tocId) => place.get(tocId)),
    largeObjects: largeObjects.map((object) => ({ ...object, key: key(object.key) })),
    notCarried: { ...notCarried, otherDatabases: null },
  };
}

/** By table, the sum of its objects' checksums; of tables with rows. */
function summed(data: BackupManifest["data"]): Record<string, string> {
  const sums: Record<string, string> = {};
  for (const { table, checksum } of data)
    sums[table] = String(BigInt(sums[table] ?? 0) + BigInt(checksum ?? 0));
  return sums;
}

function checksums({ tables }: Baseline): Record<string, string> {
  const filled = Object.entries(tables).filter(([, { rows: count }]) => count > 0);
  return Object.fromEntries(filled.map(([name, { checksum }]) => [name, checksum]));
}

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

/** The schema's leaves as the page writes them: `data[].key`; a map, such as the baseline's tables, has a page of its own. */
function fieldsOf(schema: Schema, path = ""): string[] {
  if (path === "baseline") return [path];
  // Null, or what it is when it is not null: both have their line.
  const whole = schema.anyOf?.find(({ properties }) => properties !== undefined);
  if (whole !== undefined) return [path, ...fieldsOf(whole, path)];
  if (schema.items !== undefined) return fieldsOf(schema.items, `${path}[]`);
  if (schema.properties === undefined) return [path];
  return Object.entries(schema.properties).flatMap(([name, inner]) =>
    fieldsOf(inner, path === "" ? name : `${path}.${name}`),
  );
}

/** RFC 8878: the magic number, then a descriptor whose third bit says that the frame ends in a checksum of its content. */
function hasContentChecksum(frame: Buffer): boolean {
  return frame.readUInt32LE(0) === 0xfd2fb528 && ((frame[4] ?? 0) & 0b100) !== 0;
}

async function* source(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
