/** Whether the files hold what the database holds: reads are looked up in both, and what stays different is told and noted. */
import { setTimeout as pause } from "node:timers/promises";
import { canonicalJson, type Json } from "../../core/canonical-json.ts";
import { RehearsalError, toErrorRecord } from "../../core/errors.ts";
import type { StoreDefinition, StoreModel } from "../../core/store/definition.ts";
import { keyRow, keyText } from "../../core/store/keys.ts";
import { modelNamed } from "../../core/store/relations.ts";
import type { Key, Listed, Reader, Row } from "../../core/store/store.ts";
import { CACHE, type Place } from "./place.ts";

/** Which reads are compared: none, one in a hundred beside the reading, or all of them before they are answered. */
export type Compare = "never" | "sampled" | "always";

/** A row that is not the same in both. Values are not told, for they may be secrets. */
export interface Difference {
  model: string;
  key: Key;
  /** `postgres` or `json` when the other has no such row; `neither` when it could not be looked at. */
  found: "postgres" | "json" | "both" | "neither";
  /** Those that differ, when both have the row. */
  columns: string[];
  /** Why it could not be looked at, or not be noted in the store's `cache/differences.jsonl`. */
  reason?: string;
  /** ISO 8601 in UTC, by this machine's clock. */
  at: string;
}

export interface DifferencesOptions {
  database: Reader;
  files: Reader;
  place: Place;
  definition: StoreDefinition;
  compare: Compare;
  onDifference: (difference: Difference) => void;
  /** How long a difference has to stay to be one: the change feed brings some changes later. */
  patienceMilliseconds: number;
}

export interface Comparison {
  /** Compares a row that was read, or that was not there. */
  row(model: string, key: Row): Promise<void>;
  /** Compares a page that was read with what the files list. */
  page(model: string, listed: Listed, again: () => Promise<Listed>): Promise<void>;
  /** Waits for what is being compared. */
  end(): Promise<void>;
}

const DIFFERENCES = `${CACHE}differences.jsonl`;

/** Lines that are kept. */
const MOST_NOTED = 1_000;
const ONE_IN = 100;
const FIRST_PAUSE = 10;

export function compareReads(options: DifferencesOptions): Comparison {
  const { definition, compare } = options;
  let reads = 0;
  let beside: Promise<void> | undefined;

  const compared = async (work: () => Promise<void>) => {
    if (compare === "always") await work();
    // One at a time: a comparison is never the reason why reads pile up.
    if (compare === "sampled" && reads++ % ONE_IN === 0 && beside === undefined)
      beside = work().finally(() => {
        beside = undefined;
      });
  };

  return {
    row: (model, key) => compared(() => lookAt(options, modelNamed(definition, model), key)),
    page: (model, listed, again) =>
      compared(async () => {
        const named = modelNamed(definition, model);
        // What could not be listed is looked at row by row, which tells why.
        const other = await again().catch((): Listed => ({ rows: [] }));
        for (const key of suspects(named, listed, other)) await lookAt(options, named, key);
      }),
    end: async () => {
      await beside;
    },
  };
}

/** Looks at a row in both until they agree; tells when they do not for as long as patience lasts. */
async function lookAt(options: DifferencesOptions, model: StoreModel, key: Row): Promise<void> {
  const begun = performance.now();
  for (let wait = FIRST_PAUSE; ; wait *= 2) {
    const found = await differenceOf(options, model, key);
    if (found === undefined) return;
    const left = options.patienceMilliseconds - (performance.now() - begun);
    if (left <= 0) return tell(options, found);
    await pause(Math.min(wait, left));
  }
}

async function differenceOf(
  { database, files }: DifferencesOptions,
  model: StoreModel,
  key: Row,
): Promise<Difference | undefined> {
  const about = { model: model.name, key, columns: [] as string[], at: new Date().toISOString() };
  try {
    const one = await database.get(model.name, key);
    const other = await files.get(model.name, key);
    if (one === undefined || other === undefined)
      return one === other ? undefined : { ...about, found: one === undefined ? "json" : "postgres" };
    const columns = model.columns.map(({ name }) => name).filter((name) => !same(one[name], other[name]));
    return columns.length === 0 ? undefined : { ...about, found: "both", columns };
  } catch (error) {
    return { ...about, found: "neither", reason: toErrorRecord(error).message };
  }
}

/** Keys whose rows are not the same in both lists; one may reach further than the other. */
function suspects(model: StoreModel, { rows }: Listed, other: Listed): Row[] {
  const others = new Map(other.rows.map((row) => [keyText(model, row), row]));
  const ours = new Map(rows.map((row) => [keyText(model, row), row]));
  return [...new Map([...others, ...ours])]
    .filter(([text]) => !same(ours.get(text), others.get(text)))
    .map(([, row]) => keyRow(model, row));
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  return canonicalJson(one ?? null) === canonicalJson(other ?? null);
}

/** Notes it in the store's cache, and tells whoever asked to be told. */
async function tell({ place, onDifference }: DifferencesOptions, difference: Difference): Promise<void> {
  try {
    await note(place, difference);
    onDifference(difference);
  } catch (error) {
    onDifference({ ...difference, reason: `it could not be noted: ${toErrorRecord(error).message}` });
  }
}

async function note(place: Place, difference: Difference): Promise<void> {
  for (let tries = 1; tries <= 20; tries++) {
    const found = await place.read(DIFFERENCES);
    const lines = found === undefined ? [] : found.bytes.toString().split("\n").slice(0, -1);
    const kept = [...lines, JSON.stringify(difference)].slice(-MOST_NOTED);
    const written = await place.write(DIFFERENCES, Buffer.from(`${kept.join("\n")}\n`), found?.tag);
    if (written !== "conflict") return;
    await pause(Math.random() * 20 * tries);
  }
  throw new RehearsalError("StoreBusy", { tries: 20 });
}
