/** Lists of a ledger with ten thousand promotions: each page is read by an index, and no more of it than the page. */
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeManyPromotions } from "../../bench/api/many-promotions.ts";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { lastVerified, listBackups } from "../../io/ledger/backup-rows.ts";
import { listPromotions } from "../../io/ledger/promotions.ts";
import { promotionState } from "../../io/ledger/state.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";

let control: DatabaseAddress;
let ledger: Session;
let ids: string[];

beforeAll(async () => {
  const folder = new URL("../../migrations/", import.meta.url);
  const names = (await readdir(folder)).sort();
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), "utf8")));
  control = await freshDatabase(newestServer(), texts.join("\n"));
  ledger = await openSession(control, { application: "test" });
  ids = await writeManyPromotions(ledger, 10_000);
});

afterAll(async () => {
  await ledger.close();
  await dropDatabases(control);
});

interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  Plans?: Node[];
}

/** A session that notes how each query is answered. */
function planning(): { session: Session; nodes: Node[] } {
  const nodes: Node[] = [];
  const below = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(below)];
  const query: Session["query"] = async (text, values) => {
    const [row] = await ledger.query<{ "QUERY PLAN": { Plan: Node }[] }>(
      `explain (analyze, format json) ${text}`,
      values,
    );
    nodes.push(...(row?.["QUERY PLAN"] ?? []).flatMap(({ Plan }) => below(Plan)));
    return ledger.query(text, values);
  };
  return { session: { ...ledger, query }, nodes };
}

test.for<[string, (session: Session) => Promise<unknown>]>([
  ["the newest promotions", (session) => listPromotions(session, { limit: 51 })],
  [
    "promotions from the middle on",
    (session) => listPromotions(session, { limit: 51, before: ids[5_000] ?? "" }),
  ],
  [
    "promotions of one environment",
    (session) => listPromotions(session, { limit: 51, environment: "bench-3" }),
  ],
  ["the newest backups", (session) => listBackups(session, { limit: 51 })],
  ["an environment's newest verified backup", (session) => lastVerified(session, "bench-3")],
  ["the state of a promotion", (session) => promotionState(session, ids[777] ?? "")],
])("%s by an index, and no more than a page", async ([, read]) => {
  const { session, nodes } = planning();
  expect(await read(session)).toBeTruthy();
  const scans = nodes.filter((node) => node["Node Type"].includes("Scan"));
  expect(scans.length).toBeGreaterThan(0);
  expect(scans.filter((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
  for (const scan of scans) expect(scan["Actual Rows"]).toBeLessThan(70);
});
