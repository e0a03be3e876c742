/** The order in which an archive's entries are made, and the statements that make them. */
import { describe, expect, test } from "vitest";
import type { Archive, ArchiveEntry } from "../../core/archive.ts";
import { describeEntry, entryStatements, planRestore } from "../../core/restore-plan.ts";

let ids = 0;
function entry(kind: string, tag: string, more: Partial<ArchiveEntry> = {}): ArchiveEntry {
  return {
    ...{ id: ++ids, oid: "0", kind, tag, schema: "s", section: "none", definition: `make ${tag};\n` },
    ...{
      drop: "",
      copy: "",
      owner: "",
      tablespace: "",
      accessMethod: "",
      relationKind: "",
      dependencies: [],
    },
    ...more,
  };
}

function archive(entries: ArchiveEntry[]): Archive {
  return { version: "1.16", database: "d", serverVersion: "18.4", dumpVersion: "18.3", entries };
}

const statements = (made: ArchiveEntry, ...others: ArchiveEntry[]) =>
  entryStatements(made, new Map(others.map((other) => [other.id, other])));

test("each entry is in one pass, in the archive's order; what has no section goes with what it follows", () => {
  const database = entry("DATABASE", "d", { section: "pre-data", schema: undefined });
  const entries = [
    entry("ENCODING", "ENCODING", { section: "pre-data" }),
    entry("STDSTRINGS", "STDSTRINGS", { section: "pre-data" }),
    entry("SEARCHPATH", "SEARCHPATH", { section: "pre-data" }),
    database,
    entry("COMMENT", "DATABASE d", { dependencies: [database.id] }),
    entry("ACL", "DATABASE d", { dependencies: [database.id] }),
    entry("DATABASE PROPERTIES", "d", { section: "pre-data" }),
    entry("TABLE", "t", { section: "pre-data" }),
    entry("COMMENT", "TABLE t"),
    entry("ACL", "TABLE t"),
    entry("TABLE DATA", "t", { section: "data" }),
    entry("SEQUENCE SET", "q", { section: "data" }),
    entry("BLOB METADATA", "1", { section: "data" }),
    entry("COMMENT", "LARGE OBJECT 1"),
    entry("BLOBS", "BLOBS", { section: "data" }),
    entry("INDEX", "i", { section: "post-data" }),
    entry("COMMENT", "INDEX i"),
    entry("EVENT TRIGGER", "e", { section: "post-data" }),
    entry("COMMENT", "EVENT TRIGGER e"),
    entry("DEFAULT ACL", "DEFAULT PRIVILEGES"),
    entry("MATERIALIZED VIEW DATA", "m", { section: "post-data" }),
  ];
  const plan = planRestore(archive(entries));
  const names = (list: ArchiveEntry[]) => list.map(({ kind, tag }) => `${kind} ${tag}`);
  expect(Object.fromEntries(Object.entries(plan).map(([pass, list]) => [pass, names(list)]))).toEqual({
    settings: ["STDSTRINGS STDSTRINGS"],
    before: ["TABLE t", "COMMENT TABLE t"],
    tables: ["TABLE DATA t"],
    beside: ["SEQUENCE SET q", "BLOB METADATA 1", "COMMENT LARGE OBJECT 1"],
    after: ["INDEX i", "COMMENT INDEX i"],
    rights: ["ACL TABLE t", "DEFAULT ACL DEFAULT PRIVILEGES"],
    refreshes: ["MATERIALIZED VIEW DATA m"],
    eventTriggers: ["EVENT TRIGGER e", "COMMENT EVENT TRIGGER e"],
  });
});

test("a table that is called like a database keeps its comment", () => {
  const table = entry("TABLE", "DATABASE d", { section: "pre-data" });
  expect(planRestore(archive([table])).before).toEqual([table]);
});

describe("owners", () => {
  const owned = { owner: 'o"wner', drop: "DROP FUNCTION s.f(a integer, VARIADIC b text[]);\n" };
  test("a name is quoted, with its schema", () => {
    expect(statements(entry("TABLE", "a.b", owned))).toEqual([
      "make a.b;\n",
      'ALTER TABLE "s"."a.b" OWNER TO "o""wner"',
    ]);
    expect(statements(entry("SCHEMA", "x", { ...owned, schema: undefined }))[1]).toBe(
      'ALTER SCHEMA "x" OWNER TO "o""wner"',
    );
  });
  test("a name with arguments is the one the DROP command has", () => {
    expect(statements(entry("FUNCTION", "f(integer, text[])", owned))[1]).toBe(
      'ALTER FUNCTION s.f(a integer, VARIADIC b text[]) OWNER TO "o""wner"',
    );
  });
  test("what has no owner of its own is left alone", () => {
    expect(statements(entry("INDEX", "i", owned))).toEqual(["make i;\n"]);
    expect(statements(entry("ACL", "TABLE t", { owner: "o" }))).toEqual(["make TABLE t;\n"]);
  });
  test("schema public, which is there already, gets its owner and is not made", () => {
    const definition = "-- *not* creating schema, since initdb creates it\n\n";
    const made = entry("SCHEMA", "public", { ...owned, schema: undefined, definition });
    expect(statements(made)).toEqual(['ALTER SCHEMA "public" OWNER TO "o""wner"']);
  });
});

describe("large objects", () => {
  const group = entry("BLOB METADATA", "11..12", { definition: "11\n12\n", owner: "me", schema: undefined });
  test("a group is made and owned one by one", () => {
    expect(statements(group)).toEqual([
      "SELECT pg_catalog.lo_create('11'); SELECT pg_catalog.lo_create('12')",
      'ALTER LARGE OBJECT 11 OWNER TO "me"; ALTER LARGE OBJECT 12 OWNER TO "me"',
    ]);
  });
  test("a group's rights are given for each, and a role's name is not mistaken for an object", () => {
    const definition = 'GRANT SELECT ON LARGE OBJECT 11 TO "LARGE OBJECT 11";\n';
    const rights = entry("ACL", "LARGE OBJECTS 11..12", { definition, dependencies: [group.id] });
    expect(statements(rights, group)).toEqual([
      'GRANT SELECT ON LARGE OBJECT 11 TO "LARGE OBJECT 11";\n',
      'GRANT SELECT ON LARGE OBJECT 12 TO "LARGE OBJECT 11";\n',
    ]);
  });
  test("a group that lists something else is no archive of pg_dump's", () => {
    const forged = entry("BLOB METADATA", "x", { definition: "1'); DROP TABLE t; --" });
    expect(() => statements(forged)).toThrow(expect.objectContaining({ code: "ArchiveUnreadable" }));
  });
});

test("an entry is called what a person would call it", () => {
  expect(describeEntry(entry("FK CONSTRAINT", "orders orders_fk"))).toBe("FK CONSTRAINT s.orders orders_fk");
});
