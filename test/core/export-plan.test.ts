/** What an export says and in which order: large objects as each reader knows them, states from the manifest, and nothing that does not fit. */
import { describe, expect, test } from "vitest";
import type { ArchiveContents, ArchiveRecord } from "../../core/archive.ts";
import type { CopiedObject } from "../../core/backup-manifest.ts";
import { type ExportSource, planExport } from "../../core/export-plan.ts";

function record(id: number, kind: string, tag: string, more: Partial<ArchiveRecord> = {}): ArchiveRecord {
  return {
    ...{ id, hasData: false, catalog: "0", oid: "0", tag, kind, section: "data", definition: "", drop: "" },
    ...{ copy: "", schema: undefined, tablespace: undefined, accessMethod: undefined, relationKind: 0 },
    ...{ owner: "o", withOids: "false", dependencies: [], ...more },
  };
}

function contents(records: ArchiveRecord[], minor = 16): ArchiveContents {
  return { minor, made: [], database: "d", serverVersion: "18.4", dumpVersion: "18.3", records };
}

const object = (key: string): CopiedObject => ({ key, size: 1, sha256: "0", rows: 1, rawBytes: 1 });
const rowsOf = (tocId: number, key: string) => ({
  ...object(key),
  ...{ tocId, table: `"s"."t"`, copyInto: `COPY t${tocId} FROM stdin`, checksum: "0", pages: null },
});

function source(more: Partial<ExportSource> = {}): ExportSource {
  return {
    ...{ toc: { key: "toc", size: 1, sha256: "0" }, data: [], emptyTables: [], largeObjects: [] },
    ...{ baseline: { sequences: {} }, database: { encoding: "UTF8" }, ...more },
  };
}

const table = (id: number) =>
  record(id, "TABLE DATA", "t", { hasData: true, copy: `COPY t${id} FROM stdin;\n`, schema: "s" });

const LARGE = [
  record(1, "TABLE", "t", { section: "pre-data" }),
  table(2),
  record(10, "BLOB METADATA", "5..7", { owner: "me", definition: "5\n7\n", drop: "-- dummy" }),
  record(11, "COMMENT", "LARGE OBJECT 7", { section: "none", definition: "COMMENT 7;", dependencies: [10] }),
  record(12, "ACL", "LARGE OBJECTS 5..7", {
    section: "none",
    definition: 'GRANT SELECT ON LARGE OBJECT 5 TO "LARGE OBJECT 5";\n',
    dependencies: [10],
  }),
  record(20, "BLOB METADATA", "6", { definition: "6\n", drop: "-- dummy" }),
  record(21, "ACL", "LARGE OBJECT 6", { section: "none", definition: "GRANT 6;", dependencies: [20] }),
  record(30, "BLOBS", "BLOBS", { hasData: true, dependencies: [10] }),
  record(31, "BLOBS", "BLOBS", { hasData: true, dependencies: [20] }),
  record(40, "INDEX", "i", { section: "post-data", dependencies: [1, 30] }),
];
const LARGE_SOURCE = source({ emptyTables: [2], largeObjects: [object("l0"), object("l1")] });

const brief = ({ id, kind, tag, dependencies }: ArchiveRecord) => `${id} ${kind} ${tag} <${dependencies}>`;

test.each([
  [12, 14],
  [15, 14],
  [16, 15],
  [17, 16],
  [18, 16],
  [99, 16],
])("pg_restore %i gets version 1.%i, or the backup's own where that is older", (reader, minor) => {
  expect(planExport(contents([]), source(), reader).contents.minor).toBe(minor);
  expect(planExport(contents([], 14), source(), reader).contents.minor).toBe(14);
});

test("the objects of a table are its data in the manifest's order, and an empty table has data without objects", () => {
  const plan = planExport(
    contents([table(9), record(3, "TABLE", "t"), table(4), table(5)]),
    source({ data: [rowsOf(4, "b"), rowsOf(9, "x"), rowsOf(4, "a")], emptyTables: [5] }),
    18,
  );
  expect(plan.data.map(({ record: { id }, objects }) => [id, objects.map(({ key }) => key)])).toEqual([
    [9, ["x"]],
    [4, ["b", "a"]],
    [5, []],
  ]);
});

test("since 1.16 large objects keep their groups, and all their bytes are one entry's, behind every group", () => {
  const plan = planExport(contents(LARGE), LARGE_SOURCE, 17);
  expect(plan.contents.records.map(brief)).toEqual([
    ...LARGE.slice(0, 7).map(brief),
    "31 BLOBS BLOBS <10,20>",
    "40 INDEX i <1,31>",
  ]);
  expect(plan.data.map(({ record: { id }, objects }) => [id, objects.length])).toEqual([
    [2, 0],
    [31, 2],
  ]);
});

test("before 1.16 each large object is made by itself ahead of the data, and has its own comment and rights", () => {
  const { records } = planExport(contents(LARGE), LARGE_SOURCE, 16).contents;
  expect(records.map(brief)).toEqual([
    "1 TABLE t <>",
    "41 BLOB 5 <>",
    "42 BLOB 7 <>",
    "43 BLOB 6 <>",
    "2 TABLE DATA t <>",
    "11 COMMENT LARGE OBJECT 7 <42>",
    "44 ACL LARGE OBJECT 5 <41>",
    "45 ACL LARGE OBJECT 7 <42>",
    "21 ACL LARGE OBJECT 6 <43>",
    "31 BLOBS BLOBS <>",
    "40 INDEX i <1,31>",
  ]);
  expect(records[2]).toMatchObject({
    ...{ oid: "7", section: "pre-data", owner: "me", hasData: false },
    ...{ definition: "SELECT pg_catalog.lo_create('7');\n", drop: "SELECT pg_catalog.lo_unlink('7');\n" },
  });
  expect(records[7]?.definition).toBe('GRANT SELECT ON LARGE OBJECT 7 TO "LARGE OBJECT 5";\n');
});

test("sequences stand where the manifest says, and those it does not name where pg_dump saw them", () => {
  const sequence = (tag: string, definition: string) =>
    record(tag.length, "SEQUENCE SET", tag, { schema: "s", definition });
  const { records } = planExport(
    contents([
      sequence("q", "SELECT pg_catalog.setval('s.q', 7, true);\n"),
      sequence("down", "SELECT pg_catalog.setval('s.down', -1, false);\n"),
      sequence("a, 1, true);", "SELECT pg_catalog.setval('s.\"a, 1, true);\"', 2, true);\n"),
      sequence("other", "SELECT pg_catalog.setval('s.other', 3, true);\n"),
    ]),
    source({
      baseline: {
        sequences: {
          '"s"."q"': { last: "9223372036854775807", called: true },
          '"s"."down"': { last: "-5", called: true },
          '"s"."a, 1, true);"': { last: "4", called: false },
        },
      },
    }),
    18,
  ).contents;
  expect(records.map(({ definition }) => definition)).toEqual([
    "SELECT pg_catalog.setval('s.q', 9223372036854775807, true);\n",
    "SELECT pg_catalog.setval('s.down', -5, true);\n",
    "SELECT pg_catalog.setval('s.\"a, 1, true);\"', 4, false);\n",
    "SELECT pg_catalog.setval('s.other', 3, true);\n",
  ]);
});

test("the rows' own settings go with them: bytes that have no encoding, and money", () => {
  const settings = [
    record(1, "ENCODING", "ENCODING", { definition: "SET client_encoding = 'UTF8';\n" }),
    record(2, "SEARCHPATH", "SEARCHPATH", { definition: "SELECT set_config('search_path', '', false);\n" }),
  ];
  const said = (encoding: string) =>
    planExport(contents(settings), source({ database: { encoding } }), 18).contents.records.map(
      ({ definition }) => definition,
    );
  const path = "SELECT set_config('search_path', '', false); SET lc_monetary = 'C';\n";
  expect(said("LATIN1")).toEqual(["SET client_encoding = 'UTF8';\n", path]);
  expect(said("SQL_ASCII")).toEqual(["SET client_encoding = 'SQL_ASCII';\n", path]);
});

describe("a manifest and a table of contents that do not belong together are refused", () => {
  test.each<[string, ArchiveRecord[], Partial<ExportSource>, string]>([
    [
      "an object of no table",
      [table(1)],
      { data: [rowsOf(2, "x")], emptyTables: [1] },
      '"x" belongs to no table',
    ],
    [
      "an object of another table",
      [table(1)],
      { data: [{ ...rowsOf(1, "x"), copyInto: "COPY other FROM stdin" }] },
      '"x" belongs to no table',
    ],
    ["a table without a word", [table(1)], {}, "says nothing of the rows of t"],
    [
      "large objects without an entry",
      [],
      { largeObjects: [object("l")] },
      "no place for the manifest's large objects",
    ],
    [
      "data of an unknown kind",
      [record(1, "STRANGE", "s", { hasData: true })],
      {},
      "entry 1 (STRANGE) has data",
    ],
  ])("%s", (_, records, manifest, reason) => {
    expect(() => planExport(contents(records), source(manifest), 18)).toThrow(
      expect.objectContaining({
        code: "BackupCorrupt",
        facts: { object: "toc", reason: expect.stringContaining(reason) },
        hint: expect.stringContaining("take another backup"),
      }),
    );
  });
});
