/** The parts in which two sides of a model differ, as their sums tell them. */
import { expect, test } from "vitest";
import type { StoreModel } from "../../../../core/store/definition.ts";
import { rowDigest } from "../../../../core/store/digest.ts";
import { bucketOf, Tally } from "../../../../io/store/move/tally.ts";

const TAGS: StoreModel = {
  ...{ name: "Tag", schema: "public", table: "tags", key: ["id"], file: "tags.json", content: {} },
  columns: ["id", "name"].map((name) => ({ name, type: "text", of: { kind: "text" }, nullable: false })),
  ...{ relations: [], unique: [], indexes: [], notCarried: [] },
};

const ONE = { id: "t1", name: "one" };

test("the parts that differ are those of the rows that do; of equal sides there are none", () => {
  const tally = new Tally(TAGS);
  tally.addDatabase(ONE, rowDigest(TAGS, ONE));
  tally.addFiles(ONE);
  expect(tally.differing()).toEqual(new Set());
  tally.addFiles({ id: "t2", name: "two" });
  expect(tally.differing()).toEqual(new Set([bucketOf(TAGS, { id: "t2", name: "two" })]));
});

test("a row whose digest begins as another's does is looked for all the same: the whole sum has the last word", () => {
  const tally = new Tally(TAGS);
  const digest = rowDigest(TAGS, ONE);
  tally.addDatabase(ONE, `${digest.slice(0, 16)}${"0".repeat(48)}`);
  tally.addFiles(ONE);
  expect(tally.differing()).toContain(bucketOf(TAGS, ONE));
});
