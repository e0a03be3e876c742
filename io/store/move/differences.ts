/** Which rows a database and the files of a store hold differently: looked for where their sums do not agree, and nowhere else. */
import type { StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import { rowDigest } from "../../../core/store/digest.ts";
import { keyRow, keyText } from "../../../core/store/keys.ts";
import { mayHold, pathOf } from "../../../core/store/paths.ts";
import { rowOfTexts } from "../../../core/store/rows.ts";
import type { Row } from "../../../core/store/store.ts";
import { LISTED_PROBLEMS } from "../../../core/store/verification.ts";
import { selectRow } from "../model-statements.ts";
import type { Place } from "../place.ts";
import type { Cut } from "./cut.ts";
import { readFile } from "./file-rows.ts";
import { Findings, rowNamed } from "./findings.ts";
import { modelRows } from "./model-rows.ts";
import { bucketOf, differingColumns, type Tally } from "./tally.ts";

export interface DifferencesOptions {
  cut: Cut;
  place: Place;
  definition: StoreDefinition;
  /** By model, of what both sides hold. */
  tallies: ReadonlyMap<string, Tally>;
  findings: Findings;
}

/** A row of the database that is looked for in the files. */
interface Sought {
  digest: string;
  path: string;
  key: Row;
  found: boolean;
}

/** Rows that are held at once; of more that may differ, the others are told as a number. */
const SOUGHT = 200_000;

/** Adds what differs to the findings. Reads the models that differ once more from the database, and all files once. */
export async function findDifferences(options: DifferencesOptions): Promise<void> {
  const differing = [...options.tallies.values()].flatMap((tally) => {
    const buckets = [...tally.differing()];
    return buckets.length === 0 ? [] : [{ tally, buckets }];
  });
  const looks = new Map<string, Look>();
  for (const { tally, buckets } of differing) {
    const { model } = tally;
    const rows = Math.max(tally.database.rows.sum().rows, tally.files.rows.sum().rows, 1);
    // So many parts of each model that the rows of all of them fit.
    const fit = Math.floor((SOUGHT / differing.length / rows) * 2 ** 14);
    const chosen = new Set(buckets.slice(0, Math.max(1, fit)));
    const sought = await readSought(options.cut, model, chosen);
    looks.set(model.name, { model, chosen, sought, findings: new Findings() });
    const left = buckets.length - chosen.size;
    if (left > 0)
      options.findings.add({
        ...{ problem: "row-differs" as const, model: model.name },
        reason: `more rows differ than were looked for: at least ${left} others`,
      });
  }
  if (looks.size === 0) return;
  await findIn(options, looks);
}

/** Some parts of a model, with what the database has in them. */
interface Look {
  model: StoreModel;
  chosen: ReadonlySet<number>;
  sought: Map<string, Sought>;
  findings: Findings;
}

async function findIn(options: DifferencesOptions, looks: ReadonlyMap<string, Look>): Promise<void> {
  for await (const { path, model, row } of rowsInFiles(options)) {
    const look = looks.get(model.name);
    const digest = look && digestOf(model, row, look.chosen);
    if (look === undefined || digest === undefined) continue;
    const { sought, findings } = look;
    const its = sought.get(keyText(model, row));
    if (its !== undefined) its.found = true;
    if (its?.digest === digest) continue;
    const facts = { ...rowNamed(model, row), path, mark: `${its?.digest} ${digest}` };
    if (its === undefined)
      findings.add({ problem: "row-extra", ...facts, reason: "the database has no such row" });
    else findings.add({ problem: "row-differs", ...facts, ...(await columnsOf(options.cut, look, row)) });
  }
  // In the order of the models, wherever their rows lie.
  for (const { model, sought, findings } of looks.values()) {
    for (const { found, digest, path, key } of sought.values())
      if (!found)
        findings.add({
          ...{ problem: "row-missing" as const, ...rowNamed(model, key), path, mark: `${digest} undefined` },
          reason: "no file has the row",
        });
    options.findings.take(findings);
  }
}

/** Of a row in one of these parts; what is no row at all has been told already. */
function digestOf(model: StoreModel, row: Row, chosen: ReadonlySet<number>): string | undefined {
  try {
    return chosen.has(bucketOf(model, row)) ? rowDigest(model, row) : undefined;
  } catch {
    return undefined;
  }
}

async function readSought(
  cut: Cut,
  model: StoreModel,
  chosen: ReadonlySet<number>,
): Promise<Map<string, Sought>> {
  const sought = new Map<string, Sought>();
  const session = await cut.open();
  try {
    for await (const { rows } of modelRows(session, model))
      for (const { row } of rows)
        if (chosen.has(bucketOf(model, row)))
          sought.set(keyText(model, row), {
            ...{ digest: rowDigest(model, row), path: pathOf(model, row) },
            ...{ key: keyRow(model, row), found: false },
          });
  } finally {
    await session.close();
  }
  return sought;
}

/** Only whole rows: what cannot be read has been told already. */
async function* rowsInFiles({
  place,
  definition,
  findings,
}: DifferencesOptions): AsyncGenerator<{ path: string; model: StoreModel; row: Row }> {
  const spoilt = new Set(
    findings.listed.flatMap(({ problem, path }) =>
      problem === "file-damaged" && path !== undefined ? [path] : [],
    ),
  );
  for await (const file of place.list("")) {
    if (!/\.jsonl?$/.test(file.path) || spoilt.has(file.path)) continue;
    if (!definition.models.some((one) => mayHold(one, file.path))) continue;
    for await (const rows of readFile(place, file, definition).rows)
      for (const { model, row } of rows) yield { path: file.path, model, row };
  }
}

/** In which columns a row differs; not asked for more rows than are listed. */
async function columnsOf(cut: Cut, { model, findings }: Look, row: Row): Promise<{ columns?: string[] }> {
  if (findings.found >= LISTED_PROBLEMS) return {};
  const { text, values } = selectRow(model, row);
  const [texts] = (await cut.holder.table(text, values)).rows;
  return texts === undefined ? {} : { columns: differingColumns(model, rowOfTexts(model, texts), row) };
}
