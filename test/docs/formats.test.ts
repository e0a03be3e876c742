/** FORMATS.md: every example in it is computed again by the product's own functions, so the page cannot tell yesterday's story. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { findConnection } from "../../cli/connection.ts";
import {
  backupManifestSchema,
  type CopiedObject,
  manifestDigest,
  parseManifest,
} from "../../core/backup-manifest.ts";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { evidenceDigest } from "../../core/evidence.ts";
import { type EventContent, findBrokenLink, LOG_START, type LogEntry, linkEvent } from "../../core/log.ts";
import { parseMigration } from "../../core/migration.ts";
import { type DatabaseUse, databaseName } from "../../core/names.ts";
import { buildBundle, manifestSchema, readBundle } from "../../core/release.ts";
import type { RehearsalReport } from "../../core/report.ts";
import { reportMarkdown } from "../../core/report-markdown.ts";
import { fingerprint, type Shape } from "../../core/shape.ts";
import { readObject, writeObject } from "../../io/backup-objects.ts";
import { logKey, logObject } from "../../io/ledger/outbox.ts";
import { readBaseline } from "../../io/postgres/baseline.ts";
import { reading } from "../../io/postgres/reading.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { readShape } from "../../io/postgres/shape.ts";
import { startBucket } from "../bucket.ts";
import { dropDatabases, freshDatabase, servers } from "../postgres.ts";

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

test("a migration's checksum covers the raw bytes", async () => {
  for (const { text, sha256: promised } of json<{ text: string; sha256: string }[]>("migrations")) {
    const bytes = Buffer.from(text);
    expect((await parseMigration("migrations/0001_create_videos.sql", bytes)).sha256).toBe(promised);
  }
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

  test("the statements make the baseline, and its sums are those of the hashed texts", async () => {
    const hashes = json<{ text: string; hash: string }[]>("baseline-hashes");
    const sum = (part: typeof hashes) => String(part.reduce((all, { hash }) => all + BigInt(hash), 0n));
    await inDatabase(example("baseline-sql"), async (session) => {
      const baseline = await readBaseline(session);
      expect(baseline).toEqual(json("baseline"));
      expect(baseline.tables['"public"."videos"']?.checksum).toBe(sum(hashes.slice(0, 2)));
      expect(baseline.largeObjects.checksum).toBe(sum(hashes.slice(2)));
      for (const { text, hash } of hashes)
        expect(
          await session.query(`select hashtextextended($1::text collate "C", 0)::text as hash`, [text]),
        ).toEqual([{ hash }]);
      const rows = await reading(session, () =>
        session.query(
          `select row(t."id", t."note", t."title")::text as text, (${example("row-hash")})::text as hash from only public.videos t order by id`,
        ),
      );
      expect(rows).toEqual(hashes.slice(0, 2));
      const pieces = await session.query(
        `select (${example("piece-hash")})::text as hash from (select 4242 as oid, 14 as length) object, (select 0::bigint as at) piece`,
      );
      expect(pieces).toEqual(hashes.slice(2).map(({ hash }) => ({ hash })));
    });
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
    expect(await findConnection(join(folder, "below"), {})).toEqual(json("connection"));
    expect(await findConnection(folder, { REHEARSAL_KEY: "another" })).toEqual({
      ...json<object>("connection"),
      key: "another",
    });
  } finally {
    await rm(folder, { recursive: true });
  }
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

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** The schema's leaves as the page writes them: `data[].key`; a map, such as the baseline's tables, has a page of its own. */
function fieldsOf(schema: Schema, path = ""): string[] {
  if (path === "baseline") return [path];
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
