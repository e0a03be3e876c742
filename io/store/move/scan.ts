/** One look through all files of a store: what they hold, added up, and whether the store's own rules hold among them. */
import { createHash } from "node:crypto";
import { RehearsalError } from "../../../core/errors.ts";
import { contentsOf } from "../../../core/store/content.ts";
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { indexText, keyText } from "../../../core/store/keys.ts";
import { mayHold, pathOf } from "../../../core/store/paths.ts";
import { parseRow } from "../../../core/store/rows.ts";
import type { Row } from "../../../core/store/store.ts";
import type { ModelVerification } from "../../../core/store/verification.ts";
import type { Head } from "../head.ts";
import { CACHE, HEAD, type Place } from "../place.ts";
import { type FileRow, readFiles } from "./file-rows.ts";
import { type Findings, rowNamed } from "./findings.ts";
import { KEY_BYTES, KeyNumbers, keyHash } from "./key-numbers.ts";
import { hasNull, type Rules, rulesOf } from "./rules.ts";
import type { Tally } from "./tally.ts";

export interface ScanOptions {
  place: Place;
  definition: StoreDefinition;
  head: Head;
  /** By model. */
  tallies: ReadonlyMap<string, Tally>;
  findings: Findings;
  /** What the keys that are looked up may take in memory. */
  keyBytes: number;
  onFile: (path: string, size: number, rows: number) => void;
  signal?: AbortSignal | undefined;
}

export interface Scanned {
  files: { read: number; bytes: number; contents: number };
  /** By model. */
  relations: Map<string, ModelVerification["relations"]>;
  unique: Map<string, ModelVerification["unique"]>;
  /** Files that end with something that is no line. */
  torn: string[];
}

/** The parts of the keys are not quite as large as each other. */
const UNEVEN = 1.02;

/** Reads all files once, and again for each further part of the keys where there are more than fit into memory. */
export async function scanStore(options: ScanOptions): Promise<Scanned> {
  const { definition, head, keyBytes } = options;
  const rules = new Map(rulesOf(definition).map((one) => [one.model.name, one]));
  const scanned: Scanned = {
    files: { read: 0, bytes: 0, contents: 0 },
    relations: new Map(
      [...rules].map(([name, { references }]) => [name, references.map(({ told }) => told)]),
    ),
    unique: new Map(),
    torn: [],
  };
  let [there, wanted] = [0, 0];
  for (const [name, { targets, references }] of rules) {
    const { rows = 0 } = head.models[name] ?? {};
    there += rows * targets.length;
    // At most, for many point at one.
    wanted += rows * references.length;
  }
  const parts = Math.max(1, Math.ceil(((there + wanted) * KEY_BYTES) / keyBytes));
  const contents = new Contents(options, scanned);
  for (let part = 0; part < parts; part++) {
    const look = new Look(options, rules, { parts, part, expected: (there / parts) * UNEVEN });
    for await (const found of rowsOfFiles(options, part === 0 ? scanned : undefined))
      for (const one of found.rows) {
        if (part === 0 && !look.judge(found.path, one)) continue;
        look.remember(found.path, one);
        if (part === 0) await contents.check(found.path, one);
      }
    const orphans = look.orphans();
    if (orphans.size === 0) continue;
    for await (const { path, rows } of rowsOfFiles(options, undefined))
      for (const one of rows) look.nameOrphans(path, one, orphans);
  }
  for (const [name, { targets }] of rules)
    scanned.unique.set(
      name,
      targets.flatMap(({ unique }) =>
        unique === undefined ? [] : [{ name: unique.name, twice: unique.twice }],
      ),
    );
  return scanned;
}

/** The rows of all files. With `scanned` it is told what there is, and what is odd is found. */
async function* rowsOfFiles(
  { place, definition, findings, onFile, signal }: ScanOptions,
  scanned: Scanned | undefined,
): AsyncGenerator<{ path: string; rows: FileRow[] }> {
  const holders = async function* () {
    for await (const file of place.list("")) {
      const { path } = file;
      signal?.throwIfAborted();
      if (path === HEAD || path.startsWith(CACHE)) continue;
      if (!definition.models.some((model) => mayHold(model, path))) {
        if (scanned !== undefined)
          findings.add({ problem: "file-unknown", path, reason: "no model has files called so" });
        continue;
      }
      if (/\.jsonl?$/.test(path)) yield file;
    }
  };
  for await (const { path, size, rows, oddities } of readFiles(place, holders(), definition)) {
    let read = 0;
    try {
      for await (const some of rows) {
        read += some.length;
        yield { path, rows: some };
      }
    } catch (error) {
      if (!(error instanceof RehearsalError) || error.code !== "StoreFileDamaged") throw error;
      const { line, reason } = error.facts as { line?: number; reason: string };
      if (scanned !== undefined)
        findings.add({
          ...{ problem: "file-damaged" as const, path },
          reason: line === undefined ? reason : `line ${line}: ${reason}`,
        });
    }
    if (scanned === undefined) continue;
    scanned.files.read++;
    scanned.files.bytes += size;
    if (oddities.torn) scanned.torn.push(path);
    if (oddities.rewritten)
      findings.add({ problem: "file-edited", path, reason: "the store writes the same in other bytes" });
    for (const model of oddities.strangers)
      findings.add({ problem: "file-edited", path, reason: `it has rows of "${model}", which is no model` });
    onFile(path, size, read);
  }
}

/** What is remembered of one part of all keys. */
class Look {
  #options: ScanOptions;
  #rules: ReadonlyMap<string, Rules>;
  #parts: number;
  #part: number;
  #there: KeyNumbers;
  #wanted = new KeyNumbers({ numbers: false });

  constructor(
    options: ScanOptions,
    rules: ReadonlyMap<string, Rules>,
    { parts, part, expected }: { parts: number; part: number; expected: number },
  ) {
    // Made for all of them: a table that grows is there twice.
    this.#there = new KeyNumbers({ expected, numbers: false });
    this.#options = options;
    this.#rules = rules;
    this.#parts = parts;
    this.#part = part;
  }

  /** Adds the row up, and looks at what it is alone. False for one that cannot be looked at further. */
  judge(path: string, { model, row }: FileRow): boolean {
    const { findings, tallies } = this.#options;
    try {
      parseRow(model, withoutReferences(model, row));
      tallies.get(model.name)?.addFiles(row);
    } catch (error) {
      if (!(error instanceof RehearsalError) || error.code !== "StoreRowInvalid") throw error;
      const { problems } = error.facts as { problems: string };
      findings.add({ problem: "row-invalid", ...keyed(model, row), path, reason: problems });
      return false;
    }
    const wanted = pathOf(model, row);
    if (wanted !== path)
      findings.add({
        problem: "row-misplaced",
        ...rowNamed(model, row),
        path,
        reason: `its place is ${wanted}`,
      });
    for (const { columns, told } of this.#rules.get(model.name)?.references ?? [])
      if (!hasNull(row, columns)) told.rows++;
    return true;
  }

  /** Takes note of its keys, and of what it points at. */
  remember(path: string, { model, row }: FileRow): void {
    const rules = this.#rules.get(model.name);
    for (const { id, columns, unique } of rules?.targets ?? []) {
      if (hasNull(row, columns) && !unique?.nullsNotDistinct) continue;
      const key = this.#mine(id, model, columns, row);
      if (key === undefined || this.#there.add(key) || unique === undefined) continue;
      unique.twice++;
      this.#options.findings.add({
        problem: columns === model.key ? "row-twice" : "not-unique",
        ...{ ...rowNamed(model, row), path },
        ...(columns !== model.key && { constraint: unique.name }),
      });
    }
    for (const { id, columns } of rules?.references ?? []) {
      if (hasNull(row, columns)) continue;
      const key = this.#mine(id, model, columns, row);
      if (key !== undefined) this.#wanted.add(key);
    }
  }

  /** What is pointed at and not there. */
  orphans(): KeyNumbersOfOrphans {
    const missing = new KeyNumbers({ numbers: false });
    let size = 0;
    for (const key of this.#wanted.keys())
      if (!this.#there.has(key)) {
        missing.add(key);
        size++;
      }
    return { missing, size };
  }

  nameOrphans(path: string, { model, row }: FileRow, { missing }: KeyNumbersOfOrphans): void {
    for (const { id, columns, told } of this.#rules.get(model.name)?.references ?? []) {
      if (hasNull(row, columns)) continue;
      const key = this.#mine(id, model, columns, row);
      if (key === undefined || !missing.has(key)) continue;
      told.orphans++;
      this.#options.findings.add({
        ...{ problem: "orphan" as const, ...rowNamed(model, row), path, constraint: told.name },
        reason: `it points at no row of "${told.references}", where ON DELETE is ${told.onDelete}`,
      });
    }
  }

  /** Undefined for a key of another part. */
  #mine(id: string, model: StoreModel, columns: readonly string[], row: Row) {
    const text = columns === model.key ? keyText(model, row) : indexText(model, columns, row);
    const key = keyHash(`${id} ${text}`);
    return key.high % this.#parts === this.#part ? key : undefined;
  }
}

interface KeyNumbersOfOrphans {
  missing: KeyNumbers;
  size: number;
}

/** The files that rows refer to, each looked at once. */
class Contents {
  #options: ScanOptions;
  #scanned: Scanned;
  #seen = new KeyNumbers({ numbers: false });

  constructor(options: ScanOptions, scanned: Scanned) {
    this.#options = options;
    this.#scanned = scanned;
  }

  async check(path: string, { model, row }: FileRow): Promise<void> {
    const { place, findings } = this.#options;
    for (const { column, path: at, reference } of contentsOf(model, row)) {
      if (!this.#seen.add(keyHash(at))) continue;
      const digest = createHash("sha256");
      let bytes = 0;
      for await (const piece of place.stream(at)) {
        digest.update(piece);
        bytes += piece.length;
      }
      this.#scanned.files.contents++;
      this.#scanned.files.bytes += bytes;
      const facts = { ...rowNamed(model, row), path: at, columns: [column] };
      // A stream of nothing is an empty file, or none.
      if (bytes === 0 && reference.bytes > 0)
        findings.add({ problem: "content-missing", ...facts, reason: `${path} refers to it` });
      else if (digest.digest("hex") !== reference.$content || bytes !== reference.bytes)
        findings.add({ problem: "content-differs", ...facts, reason: `${path} refers to other bytes` });
    }
  }
}

/** The row with nothing in the columns whose values lie elsewhere: what is checked there are the files. */
function withoutReferences(model: StoreModel, row: Row): Row {
  const referring = contentsOf(model, row);
  if (referring.length === 0) return row;
  return { ...row, ...Object.fromEntries(referring.map(({ column }) => [column, ""])) };
}

/** As far as what is wrong with the row lets it be named. */
function keyed(model: StoreModel, row: Row): { model: string; key?: string } {
  try {
    return rowNamed(model, row);
  } catch {
    return { model: model.name };
  }
}
