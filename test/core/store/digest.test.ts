/** What a model holds as one sum: whatever the order, there and back. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { withContents, withoutContents } from "../../../core/store/content.ts";
import {
  addDigest,
  digestOfTexts,
  NOTHING,
  removeDigest,
  rowDigest,
  Summed,
} from "../../../core/store/digest.ts";
import { keyOf, keyRow, keyText } from "../../../core/store/keys.ts";
import { refusalOf } from "../../refusal.ts";
import { definitionOf } from "./a-definition.ts";

const [image] = definitionOf(
  'models: { Image: { file: images.jsonl, content: { data: "bytes/{sha256}" } } }',
  {
    tables: {
      "public.images": {
        columns: { data: "bytea?", id: "numeric", Size: "real?" },
        constraints: { pkey: "PRIMARY KEY (id)" },
      },
    },
  },
).models;
if (image === undefined) throw new Error("no model");

const hex = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");

const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));

test("a sum is that of its digests, in whatever order they come and go", () => {
  fc.assert(
    fc.property(fc.array(digest), fc.array(digest), (kept, gone) => {
      const summed = new Summed();
      for (const one of kept) summed.add(one);
      const all = [...gone, ...kept].reduce(addDigest, NOTHING);
      expect(gone.reduceRight(removeDigest, all)).toEqual(summed.sum());
      expect(summed.sum().sum).toMatch(/^[0-9a-f]{64}$/);
    }),
  );
  expect(addDigest({ rows: 1, sum: "f".repeat(64) }, `${"0".repeat(63)}2`)).toEqual({
    rows: 2,
    sum: `${"0".repeat(63)}1`,
  });
});

test("a row's digest covers its values in the order of their columns' names", () => {
  const bytes = hex(Buffer.from("é"));
  expect(rowDigest(image, { id: "1.50", data: "w6k=", Size: 1e10 })).toBe(
    hex(`["10000000000","${bytes}","1.50"]`),
  );
  expect(digestOfTexts(image, ["\\xc3a9", "1.50", "1e+10"])).toBe(hex(`["10000000000","${bytes}","1.50"]`));
  expect(rowDigest(image, { Size: null, data: null, id: "NaN" })).toBe(hex('[null,null,"NaN"]'));
});

test("bytes that lie elsewhere are the same row, and come back when they are what they are called", async () => {
  const row = { id: "1", data: "w6k=", Size: null };
  const { row: short, files } = withoutContents(image, row);
  const name = hex(Buffer.from("é"));
  expect(short).toEqual({ id: "1", data: { $content: name, bytes: 2 }, Size: null });
  expect(files).toEqual([{ path: `bytes/${name}`, bytes: Buffer.from("é") }]);
  expect(rowDigest(image, short)).toBe(rowDigest(image, row));
  expect(withoutContents(image, short)).toEqual({ row: short, files: [] });
  expect(await withContents(image, short, async () => Buffer.from("é"))).toEqual(row);
  const swapped = await refusalOf(() => withContents(image, short, async () => Buffer.from("e")));
  expect(swapped).toMatchObject({
    code: "StoreFileDamaged",
    message: expect.stringContaining(`bytes/${name}`),
  });
  const gone = await refusalOf(() => withContents(image, short, async () => undefined));
  expect(gone.message).toContain("it is not there, and a row refers to it");
});

test("one key has one text, however it is spelt", () => {
  expect(keyText(image, { id: "1.50" })).toBe(keyText(image, { id: "1.5", data: null }));
  expect(keyText(image, { id: "1.50" })).not.toBe(keyText(image, { id: "15" }));
  expect(keyOf(image, { id: "2", Size: 1 })).toEqual(["2"]);
  expect([keyRow(image, ["2"]), keyRow(image, { id: "2", Size: 1 })]).toEqual([{ id: "2" }, { id: "2" }]);
});
