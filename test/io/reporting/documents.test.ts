import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sha256 } from "../../../core/digest.ts";
import { type DocumentDefinition, parseReportDefinition } from "../../../core/reporting/definition.ts";
import { parseExact } from "../../../core/reporting/exact-json.ts";
import { featuresOf } from "../../../core/reporting/features.ts";
import { layOut } from "../../../core/reporting/laid-out.ts";
import { makeDocx } from "../../../io/reporting/docx.ts";
import { makePdf } from "../../../io/reporting/pdf.ts";
import { readZip } from "../../../io/reporting/zip.ts";

const DEFINITION = parseReportDefinition(
  "reports/assessment.yaml",
  Buffer.from(`description: the report
document:
  snapshots: { table: finals, record: id, payload: payload, sha256: sha, current: [{ kind: final }] }
  artifacts: { table: artifacts, record: id, key: key, prefix: made/, sha256: sha, bytes: bytes, madeFrom: made }
  outputs: [{ format: pdf, where: { kind: pdf } }, { format: geojson, where: { kind: geojson } }]
  title: "Job {$.reference}"
  content:
    - heading: "{$.name}"
    - paragraph: "{$.text}"
    - facts: [{ label: Number, value: "{$.number}" }, { label: Nothing, value: "{$.nothing}" }, { label: Yes, value: "{$.yes} {{ }}" }]
    - list: { of: $.items, text: "{$.a}" }
    - table: { of: "$.items[*]", columns: [{ title: A, value: "{$.a}" }, { title: B, value: "{$.b}" }] }
  geojson: { of: "$.items[*]", geometry: { longitude: $.x, latitude: $.y }, properties: { a: $.a, b: $.b } }
`),
) as DocumentDefinition;

const PAYLOAD = `{"reference": "A-1", "name": "Ærø, Ελλάδα, Москва", "number": 9223372036854775807.10, "yes": true,
  "text": "<b>not bold</b> & =1+1\\u202E \\u0001\\r\\nanother line\\tend", "__proto__": {"x": 1},
  "items": [{"a": "</w:t><w:p>", "b": [1, {"c": null}], "x": 7.10, "y": 50}, {"a": "${"long ".repeat(400)}", "b": 1e400, "x": null}]}`;

const payload = parseExact(PAYLOAD)?.json;
const laid = layOut(DEFINITION, payload);

test("a payload's texts are laid out as they are, its numbers to the last digit, and what is not seen is named", () => {
  const [heading, paragraph, facts, list, table] = laid.blocks;
  expect(laid.title).toBe("Job A-1");
  expect(heading).toEqual({ heading: "Ærø, Ελλάδα, Москва" });
  expect(paragraph).toEqual({ paragraph: "<b>not bold</b> & =1+1[U+202E] [U+0001]\nanother line end" });
  expect(facts).toEqual({
    facts: [
      { label: "Number", value: "9223372036854775807.10" },
      { label: "Nothing", value: "–" },
      { label: "Yes", value: "yes { }" },
    ],
  });
  expect(list).toMatchObject({ list: ["</w:t><w:p>", expect.any(String)] });
  expect(table).toMatchObject({
    table: {
      rows: [
        ["</w:t><w:p>", '[1,{"c":null}]'],
        [expect.any(String), "1e400"],
      ],
    },
  });
});

test("the features of a payload keep their digits, and a place that is none is told", () => {
  expect(featuresOf(DEFINITION, payload)).toMatchObject({
    text: expect.stringContaining('"coordinates":[7.10,50]'),
  });
  expect(featuresOf(DEFINITION, payload)).toMatchObject({ text: expect.stringContaining('"b":1e400') });
  const bad = parseExact('{"items": [{"x": "7", "y": 1}]}')?.json;
  expect(featuresOf(DEFINITION, bad)).toEqual({ problem: "the geometry of feature 1 is not two numbers" });
});

test("what is nested too deeply is told, not died of", () => {
  const deep = 200_000;
  expect(parseExact("[".repeat(deep) + "]".repeat(deep))).toBeUndefined();
});

test("what the font cannot print is refused with the character, never drawn as a box", async () => {
  for (const [text, code] of [
    ["漢字", "U+6F22"],
    ["שלום", "U+05E9"],
    ["😀", "U+1F600"],
  ])
    expect(
      await makePdf({ title: "T", language: "en", blocks: [{ paragraph: `Name: ${text}` }] }),
    ).toMatchObject({
      problem: expect.stringContaining(`the font has no ${code}`),
    });
});

test("markup in a payload is text in the DOCX, and nothing in it tells of now", async () => {
  const files = readZip(await makeDocx(laid));
  const text = (name: string) => Buffer.from(files[name] ?? []).toString();
  expect(text("word/document.xml")).toContain("&lt;/w:t&gt;&lt;w:p&gt;");
  expect(text("docProps/core.xml")).not.toContain("dcterms:created");
  expect(text("docProps/core.xml")).toContain("<dc:title>Job A-1</dc:title>");
});

const HASHES = `
  import { makePdf } from "${new URL("../../../io/reporting/pdf.ts", import.meta.url)}";
  import { makeDocx } from "${new URL("../../../io/reporting/docx.ts", import.meta.url)}";
  import { createHash } from "node:crypto";
  const laid = JSON.parse(process.argv[1]);
  const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
  console.log(hash(await makePdf(laid)), hash(await makeDocx(laid)));
`;

test("the same payload makes the same bytes: twice, in other processes, zones and languages", async () => {
  const here = async () => {
    const pdf = await makePdf(laid);
    if ("problem" in pdf) throw new Error(pdf.problem);
    return `${sha256(pdf)} ${sha256(await makeDocx(laid))}`;
  };
  const first = await here();
  expect(await here()).toBe(first);
  for (const [zone, locale] of [
    ["Pacific/Kiritimati", "tr_TR.UTF-8"],
    ["America/St_Johns", "C"],
  ]) {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", HASHES, JSON.stringify(laid)],
      {
        cwd: fileURLToPath(new URL("../../..", import.meta.url)),
        env: { ...process.env, TZ: zone, LANG: locale, LC_ALL: locale },
      },
    );
    expect(stdout.toString().trim(), stderr.toString()).toBe(first);
  }
});
