/** The files of a store: what is written is read, whatever stands in it, and what is damaged is told with its line. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  documentBytes,
  type Line,
  LineReader,
  lineText,
  parseDocument,
  parseLines,
} from "../../../core/store/files.ts";
import type { Row } from "../../../core/store/store.ts";
import { refusalOf } from "../../refusal.ts";

const name = fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "7", ""), fc.string());

// As JSON writes it: of zero it has one.
const value = fc.json({ maxDepth: 2, noUnicodeString: false }).map((text) => JSON.parse(text) as Row[string]);

const row = fc
  .array(fc.tuple(name, value), { maxLength: 4 })
  .map((entries) => Object.fromEntries(entries) as Row);

const line: fc.Arbitrary<Line> = fc.oneof(
  fc.record({ seq: fc.nat(), model: name, put: row }),
  fc.record({ seq: fc.nat(), model: name, delete: fc.array(fc.string(), { maxLength: 3 }) }),
);

const asJson = (value: unknown) => JSON.stringify(value);

test("lines are read as they were written, in whatever pieces they come, and a torn last one is told", () => {
  fc.assert(
    fc.property(fc.array(line), fc.nat({ max: 50 }), fc.nat({ max: 30 }), (lines, size, torn) => {
      const text = lines.map(lineText).join("");
      const whole = Buffer.byteLength(text);
      const bytes = Buffer.from(text + lineText({ seq: 1, model: "M", put: { a: "b" } }).slice(0, torn));
      const reader = new LineReader("a.jsonl");
      const found = [];
      for (let at = 0; at < bytes.length; at += size + 1)
        found.push(...reader.take(bytes.subarray(at, at + size + 1)));
      expect(found.map((one) => asJson(one.line))).toEqual(lines.map(asJson));
      expect(found.map(({ number }) => number)).toEqual(lines.map((_, at) => at + 1));
      for (const { from, to, line: one } of found)
        expect(bytes.toString("utf8", from, to)).toBe(lineText(one));
      expect([reader.whole, reader.torn]).toEqual([whole, torn > 0]);
    }),
  );
});

test("a document is read as it was written, and is the same bytes again", () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.tuple(name, fc.array(row, { minLength: 1 }))), (seq, entries) => {
      const models = new Map(entries);
      const bytes = documentBytes({ seq, models });
      expect(bytes.at(-1)).toBe(10);
      const read = parseDocument("a.json", bytes);
      expect(documentBytes(read)).toEqual(bytes);
      expect(new Map(read.models)).toEqual(models);
    }),
  );
  expect(documentBytes({ seq: 1, models: new Map([["A", []]]) }).toString()).toBe(
    '{\n  "format": "rehearsal-store/1",\n  "seq": 1,\n  "models": {}\n}\n',
  );
});

const GOOD = lineText({ seq: 3, model: "M", put: { id: 1 } });

test.each([
  ["no JSON", "{", /JSON/],
  ["bytes that are no text", Buffer.from([0x22, 0xff, 0x22]), /not text in UTF-8/],
  ["a list", "[]", /no object/],
  ["a number of no version", '{"seq":-1,"model":"M","put":{}}', /seq/],
  ["no model", '{"seq":1,"put":{}}', /names no model/],
  ["both a row and a key", '{"seq":1,"model":"M","put":{},"delete":[]}', /neither puts/],
  ["neither", '{"seq":1,"model":"M"}', /neither puts/],
  ["a byte-order mark", `\ufeff${GOOD.trimEnd()}`, /JSON/],
])("a line with %s is torn at the end, and a damage in the midst", async (_why, bad, told) => {
  const broken = Buffer.concat([Buffer.from(GOOD), Buffer.from(bad), Buffer.from("\n")]);
  const { lines, whole, torn } = parseLines("a.jsonl", broken);
  expect([lines.length, whole, torn]).toEqual([1, GOOD.length, true]);
  const refusal = await refusalOf(() => parseLines("a.jsonl", Buffer.concat([broken, Buffer.from(GOOD)])));
  expect(refusal).toMatchObject({ code: "StoreFileDamaged", message: expect.stringMatching(told) });
  expect(refusal.message).toContain('"a.jsonl" is damaged at line 2');
  expect(refusal.hint).toContain("rehearsal store verify");
});

test.each([
  ["no JSON", "{", /JSON/],
  ["another format", '{"format":"x"}', /its format is not rehearsal-store\/1/],
  ["no number", '{"format":"rehearsal-store/1","models":{}}', /seq/],
  ["no models", '{"format":"rehearsal-store/1","seq":1}', /no models/],
  [
    "rows that are none",
    '{"format":"rehearsal-store/1","seq":1,"models":{"A":[1]}}',
    /models.A is no list of rows/,
  ],
])("a document with %s is a damage", async (_why, text, told) => {
  const refusal = await refusalOf(() => parseDocument("a.json", Buffer.from(text)));
  expect(refusal).toMatchObject({ code: "StoreFileDamaged", message: expect.stringMatching(told) });
});
