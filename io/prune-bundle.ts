/**
 * Bundles of what is pruned: written whole before anything is deleted, sealed by the hash of their manifest, and read back.
 * Long because what is written and what is read back are the same parts, cut in the same places.
 */
import { createHash, randomUUID } from "node:crypto";
import { sha256 } from "../core/digest.ts";
import { RehearsalError } from "../core/errors.ts";
import { quoteLiteral, quoteName } from "../core/names.ts";
import type { OnProgress } from "../core/progress.ts";
import {
  type BundledFile,
  type BundledMedium,
  type BundleManifest,
  manifestBytes,
  parseBundle,
  type SealedBundle,
} from "../core/prune/bundle.ts";
import type { TiedRow } from "../core/prune/closure.ts";
import type { PrunePlan } from "../core/prune/plan.ts";
import { readObject, readWhole, writeObject } from "./backup-objects.ts";
import { inParallel } from "./in-parallel.ts";
import type { ObjectStore } from "./object-store.ts";
import { type CopySession, openCopySession } from "./postgres/copy.ts";
import { copyLines, leadingFields } from "./postgres/copy-lines.ts";
import type { Candidates } from "./postgres/prune/candidates.ts";
import { prepare } from "./postgres/prune/prepared.ts";
import { hashOf, type Operators, typeOf } from "./postgres/prune/statements.ts";
import type { Session } from "./postgres/session.ts";
import { bundleMedium, type MediaStorage, verifyMedia } from "./prune-media.ts";

export type { SealedBundle } from "../core/prune/bundle.ts";

interface WriteBundleOptions {
  /** On the database; its rows are read over a connection of their own. */
  session: Session;
  plan: PrunePlan;
  /** Where the bundle is written. */
  store: ObjectStore;
  /** Absent where the environment's policy names no bucket: then no row with an object may go. */
  storage?: MediaStorage;
  /** Ends with a slash. */
  prefix: string;
  candidates: Candidates;
  onProgress?: OnProgress;
}

/**
 * Writes what goes of the candidates, as it is by now; the manifest comes last. What a deletion finds otherwise later it refuses.
 * An attempt that dies leaves files that no manifest names. Throws `PruneMediaDiffers`.
 */
export async function writeBundle(options: WriteBundleOptions): Promise<SealedBundle> {
  const { session, plan, store, prefix, candidates, onProgress } = options;
  const { operators } = await prepare(session, plan);
  const folder = `${prefix}${randomUUID()}/`;
  const done = { bytes: 0, rows: 0 };
  const records = candidates.records.map(({ record }): BundleManifest["records"][number] => ({
    record,
    parts: [],
  }));
  const index: string[] = [];
  const tables: BundleManifest["tables"] = [];
  const copy = await openCopySession(session.address, { application: "rehearsal prune bundle" });
  try {
    for (const [place, { table }] of plan.prune.entries()) {
      const text = copyStatement(plan, operators, place, candidates);
      if (text === undefined) continue;
      const number = tables.length;
      const key = `${folder}rows-${number}.copy.zst`;
      const rows = rowsOf(copy, text, (at, rowSha256, primaryKey, line) => {
        const parts = records[at]?.parts;
        if (parts === undefined) throw new Error(`the COPY told of a record ${at} that was not asked for`);
        index.push(`${JSON.stringify([at, number, rowSha256, ...primaryKey])}\n`);
        done.rows++;
        return partOf(parts, number, line);
      });
      const written = await writeObject(store, key, rows.bytes(), (bytes) => {
        done.bytes += bytes;
        onProgress?.({ done: { ...done }, now: `bundling ${table.quoted}` });
      });
      if (written === undefined) continue;
      rows.seal();
      tables.push({
        ...{ schema: table.schema, name: table.name, primaryKey: table.primaryKey, rows: written },
        columns: table.columns.map(({ name, type, generated }) => ({
          ...{ name, type },
          ...(generated && { generated: true as const }),
        })),
      });
    }
  } finally {
    await copy.close();
  }
  const { media, missing } = await bundleMedia(options, folder);
  const manifest = manifestBytes({
    format: "rehearsal-prune/1",
    policy: plan.policy.name,
    root: { schema: plan.root.schema, name: plan.root.name, primaryKey: plan.root.primaryKey },
    tables,
    order: orderOf(plan, tables),
    records,
    index: (await writeObject(store, `${folder}index.zst`, piecesOf(index), () => {})) ?? null,
    media,
    missing,
    mark: candidates.mark,
  });
  const hash = sha256(manifest);
  const key = `${prefix}${hash}.json`;
  await store.putOnce(key, manifest, { contentType: "application/json" });
  return { key, sha256: hash, size: manifest.length };
}

async function bundleMedia(
  { storage, store, candidates }: WriteBundleOptions,
  folder: string,
): Promise<Pick<BundleManifest, "media" | "missing">> {
  const media: BundledMedium[] = [];
  const missing: string[] = [];
  await inParallel(candidates.objects, async ({ key, sha256, bytes, records }) => {
    if (storage === undefined)
      throw new RehearsalError("PruneMediaDiffers", {
        object: key,
        problem: "the environment's policy names no bucket in which it could be",
      });
    const named = { key, sha256, bytes: bytes === 0 ? null : bytes, records };
    const medium = await bundleMedium(storage, store, folder, named);
    if (medium === undefined) missing.push(key);
    else media.push(medium);
  });
  return { media: media.sort((a, b) => (a.key < b.key ? -1 : 1)), missing: missing.sort() };
}

/** The rows that go of one table, by record; each with its record's place, its hash and its key before it. */
function copyStatement(
  { prune }: PrunePlan,
  operators: Operators,
  place: number,
  candidates: Candidates,
): string | undefined {
  const table = prune[place]?.table;
  if (table === undefined) return undefined;
  const places: string[] = [];
  const keys: string[][] = table.primaryKey.map(() => []);
  for (const [at, { going }] of candidates.records.entries())
    for (const key of going.find((one) => one.table === table.quoted)?.keys ?? []) {
      places.push(String(at));
      for (const [column, text] of key.entries()) keys[column]?.push(text);
    }
  if (places.length === 0) return undefined;
  const names = table.primaryKey.map((_, at) => `k${at}`).join(", ");
  const same = table.primaryKey.map(
    (name, at) =>
      `t.${quoteName(name)} ${operators.ofTable(table)[at] ?? "="} k.k${at}::${typeOf(table, name)}`,
  );
  const columns = table.columns
    .filter(({ generated }) => !generated)
    .map(({ name }) => `t.${quoteName(name)}`);
  const key = table.primaryKey.map((name) => `t.${quoteName(name)}::text`).join(", ");
  return `copy (select k.at, ${hashOf(table)}, to_json(array[${key}]), ${columns.join(", ")}
    from ${table.quoted} t join unnest(${[places, ...keys].map(textArray).join(", ")}) as k (at, ${names})
      on ${same.join(" and ")}
    order by k.at::int, ${table.primaryKey.map((name) => `t.${quoteName(name)}`).join(", ")}) to stdout`;
}

/** SQL: an array of texts. */
export function textArray(values: readonly string[]): string {
  const inside = values.map((one) => `"${one.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  return `${quoteLiteral(`{${inside.join(",")}}`)}::text[]`;
}

type OpenPart = BundleManifest["records"][number]["parts"][number];

/** Cuts the stream into its records' parts on the way; `seal` gives the last part its hash. */
function rowsOf(
  copy: CopySession,
  text: string,
  onRow: (at: number, sha256: string, key: string[], line: Buffer) => OpenPart,
) {
  let open: { part: OpenPart; hash: ReturnType<typeof createHash> } | undefined;
  let offset = 0;
  const seal = () => {
    if (open !== undefined) open.part.sha256 = open.hash.digest("hex");
    open = undefined;
  };
  return {
    seal,
    async *bytes(): AsyncGenerator<Uint8Array> {
      for await (const lines of copyLines(copy.copyOut(text))) {
        const pieces: Buffer[] = [];
        for (const whole of lines) {
          const { fields, rest } = leadingFields(whole, 3);
          const line = whole.subarray(rest);
          const [at = "", rowSha256 = "", key = "[]"] = fields;
          const part = onRow(Number(at), rowSha256, JSON.parse(key) as string[], line);
          if (part !== open?.part) {
            seal();
            part.offset = offset;
            open = { part, hash: createHash("sha256") };
          }
          open.hash.update(line);
          offset += line.length;
          pieces.push(line);
        }
        yield Buffer.concat(pieces);
      }
    },
  };
}

/** The record's part of the table, with the line in it. */
function partOf(parts: OpenPart[], table: number, line: Buffer): OpenPart {
  let part = parts.at(-1);
  if (part?.table !== table) {
    part = { table, offset: 0, bytes: 0, rows: 0, sha256: "" };
    parts.push(part);
  }
  part.bytes += line.length;
  part.rows++;
  return part;
}

function orderOf({ order, prune }: PrunePlan, tables: BundleManifest["tables"]): number[][] {
  return order.flatMap((group) => {
    const here = group.flatMap((index) => {
      const planned = prune[index]?.table;
      const at = tables.findIndex((one) => one.schema === planned?.schema && one.name === planned.name);
      return at === -1 ? [] : [at];
    });
    return here.length === 0 ? [] : [here];
  });
}

async function* piecesOf(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < lines.length; from += 1_000)
    yield Buffer.from(lines.slice(from, from + 1_000).join(""));
}

/** A bundle that was opened: its manifest was held to the seal, its rows' keys and hashes are known. */
export interface PruneBundle {
  sealed: SealedBundle;
  manifest: BundleManifest;
  /** What goes of a record, `table` being the manifest's; none for one that is not in it. */
  rowsOf(record: string): readonly BundledRow[];
}

export type BundledRow = Pick<TiedRow, "table" | "key" | "sha256">;

/** Reads a bundle's manifest and index; throws `BundleDamaged`. */
export async function openBundle(store: ObjectStore, sealed: SealedBundle): Promise<PruneBundle> {
  const manifest = parseBundle(sealed.key, await undamaged(() => readWhole(store, sealed)));
  const rows = new Map<string, BundledRow[]>(manifest.records.map(({ record }) => [record, []]));
  if (manifest.index !== null)
    for await (const lines of copyLines(bundledBytes(store, manifest.index)))
      for (const line of lines) {
        const [at, table, sha256, ...key] = JSON.parse(line.toString()) as [
          number,
          number,
          string,
          ...string[],
        ];
        rows.get(manifest.records[at]?.record ?? "")?.push({ table, key, sha256 });
      }
  return { sealed, manifest, rowsOf: (record) => rows.get(record) ?? [] };
}

/** Reads everything of a bundle to its end; throws `BundleDamaged` unless it is, to the bit, what was written. */
export async function verifyBundle(store: ObjectStore, { manifest }: PruneBundle): Promise<void> {
  for (const [number, { rows }] of manifest.tables.entries()) {
    const parts = manifest.records.flatMap((record) => record.parts.filter(({ table }) => table === number));
    await verifyRows(store, rows, parts);
  }
  await verifyMedia(store, manifest.media);
}

async function verifyRows(store: ObjectStore, file: BundledFile, parts: readonly OpenPart[]): Promise<void> {
  let place = 0;
  let left = 0;
  let hash = createHash("sha256");
  for await (const piece of bundledBytes(store, file))
    for (let from = 0; from < piece.length; ) {
      const part = parts[place];
      if (part === undefined)
        throw new RehearsalError("BundleDamaged", {
          object: file.key,
          reason: "has more rows than its parts",
        });
      if (left === 0) left = part.bytes;
      const taken = piece.subarray(from, from + left);
      hash.update(taken);
      from += taken.length;
      left -= taken.length;
      if (left > 0) continue;
      if (hash.digest("hex") !== part.sha256)
        throw new RehearsalError("BundleDamaged", {
          object: file.key,
          reason: "has other rows than were written",
        });
      hash = createHash("sha256");
      place++;
    }
  if (left > 0 || place < parts.length)
    throw new RehearsalError("BundleDamaged", { object: file.key, reason: "has fewer rows than its parts" });
}

/** The decompressed bytes of a file of a bundle; throws `BundleDamaged`. */
export async function* bundledBytes(store: ObjectStore, file: BundledFile): AsyncGenerator<Uint8Array> {
  try {
    yield* readObject(store, { ...file, rows: 0 });
  } catch (error) {
    throw asDamage(error);
  }
}

async function undamaged<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asDamage(error);
  }
}

/** A backup's objects are read by the same hands; of a bundle the mend is another one. */
function asDamage(error: unknown): unknown {
  if (!(error instanceof RehearsalError)) return error;
  const { object, reason } = error.facts as { object: string; reason?: string };
  if (error.code === "BackupObjectMissing")
    return new RehearsalError("BundleDamaged", { object, reason: "is gone" }, { cause: error });
  if (error.code === "BackupCorrupt")
    return new RehearsalError(
      "BundleDamaged",
      { object, reason: `cannot be read: ${reason}` },
      { cause: error },
    );
  return error;
}
