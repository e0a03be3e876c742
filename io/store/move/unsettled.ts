/** Rows that were others at each look of a verification, because somebody writes them all the time: looked at by themselves, which takes an instant and no whole reading. */
import { rowDigest } from "../../../core/store/digest.ts";
import { keyRow } from "../../../core/store/keys.ts";
import { modelNamed } from "../../../core/store/relations.ts";
import type { Row } from "../../../core/store/store.ts";
import type { StoreValue } from "../../../core/store/values.ts";
import { PINNED } from "../../postgres/reading.ts";
import { openSession, type Session } from "../../postgres/session.ts";
import { currentRows } from "../current-rows.ts";
import type { JsonStore } from "../json-store.ts";
import type { CutOptions } from "./cut.ts";
import { type Finding, Findings } from "./findings.ts";
import { follow } from "./sync.ts";

export interface UnsettledOptions {
  store: JsonStore;
  database: CutOptions & { feed?: string | undefined };
}

/** So often at most; each time the store is brought up first. */
const TRIES = 50;

/** The findings without the unsettled rows that both sides were seen to hold alike at one instant. */
export async function settleRows(options: UnsettledOptions, findings: Findings): Promise<Findings> {
  let unsettled = findings.listed.filter(({ problem }) => problem === "row-unsettled");
  if (unsettled.length === 0) return findings;
  const { address, application } = options.database;
  const session = await openSession(address, { application });
  try {
    for (let tries = 0; tries < TRIES && unsettled.length > 0; tries++)
      unsettled = await session.transaction(
        () => stillUnsettled(options, session, unsettled),
        "begin isolation level repeatable read, read only",
      );
  } finally {
    await session.close();
  }
  const left = new Set(unsettled);
  const settled = new Findings();
  for (const finding of findings.listed)
    if (finding.problem !== "row-unsettled" || left.has(finding)) settled.add(finding);
  return settled;
}

async function stillUnsettled(
  { store, database: { feed } }: UnsettledOptions,
  session: Session,
  unsettled: readonly Finding[],
): Promise<Finding[]> {
  await session.execute(PINNED);
  if (feed !== undefined && (await store.head()).state === "following")
    await follow({ session, store, feed });
  const still: Finding[] = [];
  for (const finding of unsettled) if (!(await isAlike(store, session, finding))) still.push(finding);
  return still;
}

async function isAlike(
  store: JsonStore,
  session: Session,
  { model: name = "", key: text = "[]" }: Finding,
): Promise<boolean> {
  const model = modelNamed(store.definition, name);
  const key = keyRow(model, JSON.parse(text) as StoreValue[]);
  const digest = (row: Row | undefined) => row && rowDigest(model, row);
  let row: Row | undefined;
  for await (const { changes } of currentRows(session, model, [key]))
    for (const change of changes) if ("put" in change) row = change.put;
  return digest(row) === digest(await store.get(name, key));
}
