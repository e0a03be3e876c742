import { expect, test } from "vitest";
import { type DocumentDefinition, parseReportDefinition } from "../../../core/reporting/definition.ts";
import { oneRow } from "../../../io/postgres/documents.ts";
import { refusalOf } from "../../refusal.ts";

const DEFINITION = parseReportDefinition(
  "reports/letter.yaml",
  Buffer.from(`description: a letter
document:
  snapshots: { table: finals, record: id, payload: payload, sha256: sha, current: [{ kind: final }] }
  artifacts: { table: artifacts, record: id, key: key, prefix: made/, sha256: sha, bytes: bytes, madeFrom: made }
  outputs: [{ format: pdf, where: { kind: pdf } }]
  title: Letter
  content: [{ heading: Letter }]
`),
) as DocumentDefinition;

const keyed = (key: string | null) => () =>
  oneRow(DEFINITION, "1", 0, [{ record: "1", key, sha256: null, bytes: null, madeFrom: null }]);

test("abuse 33: a document is put over an object below its prefix alone", async () => {
  expect(keyed("made/1/letter.pdf")()).toMatchObject({ key: "made/1/letter.pdf" });
  const elsewhere = ["logs/app.log", "/made/1", "made", "made/", "made/../logs/a", "made//a", "made/./a"];
  for (const key of [...elsewhere, "made/a\n", `made/${"ä".repeat(450)}`, "MADE/a", "", null]) {
    const refused = await refusalOf(keyed(key));
    expect([key, refused.code, refused.hint]).toEqual([
      key,
      "ArtifactKeyRefused",
      expect.stringContaining("the prefix under artifacts"),
    ]);
  }
});
