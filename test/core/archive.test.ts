/** The archive's table of contents: read as pg_dump writes it, refused when a byte is out of place. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ArchiveEntry, parseArchive, type Section } from "../../core/archive.ts";
import { RehearsalError } from "../../core/errors.ts";

const TABLE: ArchiveEntry = {
  ...{ id: 12, oid: "16400", kind: "TABLE", tag: "a.b", schema: 'Weird "; ü', section: "pre-data" },
  ...{ definition: "CREATE TABLE …;\n", drop: "DROP TABLE …;\n", copy: "", owner: "me", tablespace: "" },
  ...{ accessMethod: "heap", relationKind: "r", dependencies: [2, 11] },
};
const COMMENT: ArchiveEntry = {
  ...{ id: 13, oid: "0", kind: "COMMENT", tag: "TABLE x", schema: undefined, section: "none" },
  ...{ definition: "", drop: "", copy: "", owner: "", tablespace: "", accessMethod: "", relationKind: "" },
  dependencies: [12],
};
const DATA: ArchiveEntry = {
  ...COMMENT,
  ...{ id: 400000, kind: "TABLE DATA", section: "data", copy: "COPY x (a) FROM stdin;\n", dependencies: [] },
};

const SECTION_NUMBERS = { none: 1, "pre-data": 2, data: 3, "post-data": 4 };

/** Writes what WriteHead and WriteToc write. */
function archiveOf(entries: ArchiveEntry[], { minor = 16, integerBytes = 4 } = {}): Buffer {
  const pieces: Buffer[] = [];
  const bytes = (...values: number[]) => pieces.push(Buffer.from(values));
  const integer = (value: number) => {
    const digits = Array.from(
      { length: integerBytes },
      (_, place) => Math.floor(Math.abs(value) / 256 ** place) % 256,
    );
    bytes(value < 0 ? 1 : 0, ...digits);
  };
  const text = (value: string | undefined) => {
    if (value === undefined) return integer(-1);
    integer(Buffer.byteLength(value));
    pieces.push(Buffer.from(value));
  };
  pieces.push(Buffer.from("PGDMP"));
  bytes(1, minor, 0, integerBytes, 8, 1);
  if (minor >= 15) bytes(0);
  else integer(-1);
  for (const field of [59, 59, 23, 31, 11, 126, -1]) integer(field);
  for (const name of ["sourc\u00e9", "18.4", "18.3"]) text(name);
  integer(entries.length);
  for (const entry of entries) {
    integer(entry.id);
    integer(entry.copy === "" ? 0 : 1);
    for (const value of ["1259", entry.oid, entry.tag, entry.kind]) text(value);
    integer(SECTION_NUMBERS[entry.section]);
    for (const value of [entry.definition, entry.drop, entry.copy]) text(value);
    for (const value of [entry.schema, entry.tablespace, entry.accessMethod]) text(value);
    if (minor >= 16) integer(entry.relationKind === "" ? 0 : entry.relationKind.charCodeAt(0));
    for (const value of [entry.owner, "false", ...entry.dependencies.map(String), undefined]) text(value);
    bytes(3, 0, 0, 0, 0, 0, 0, 0, 0);
  }
  return Buffer.concat(pieces);
}

/** Only ever an archive or `ArchiveUnreadable`. */
function outcome(bytes: Uint8Array): "read" | "refused" {
  try {
    parseArchive(bytes);
    return "read";
  } catch (error) {
    if (error instanceof RehearsalError && error.code === "ArchiveUnreadable") return "refused";
    throw error;
  }
}

test.each([14, 15, 16])("version 1.%i is read", (minor) => {
  const entries = [TABLE, COMMENT, DATA];
  const known = minor >= 16 ? entries : entries.map((entry) => ({ ...entry, relationKind: "" }));
  expect(parseArchive(archiveOf(entries, { minor }))).toEqual({
    ...{ version: `1.${minor}`, database: "sourcé", serverVersion: "18.4", dumpVersion: "18.3" },
    entries: known,
  });
});

test("what follows the table of contents, the data, is not looked at", () => {
  const bytes = Buffer.concat([archiveOf([TABLE]), Buffer.from([1, 2, 3])]);
  expect(parseArchive(bytes).entries).toEqual([TABLE]);
});

test("integers of eight bytes are not read, for they could not be told apart from nonsense", () => {
  expect(outcome(archiveOf([TABLE], { integerBytes: 8 }))).toBe("refused");
});

describe("a corrupt archive is refused with a code, whatever is wrong with it", () => {
  test("cut short at any byte", () => {
    const whole = archiveOf([TABLE, COMMENT, DATA]);
    for (let length = 0; length < whole.length; length++)
      expect(outcome(whole.subarray(0, length)), `cut at ${length}`).toBe("refused");
  });

  test("any bytes changed: it is read or refused, and never anything else", () => {
    const whole = archiveOf([TABLE, COMMENT, DATA]);
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (changed) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changed) bytes[at] = value;
        outcome(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  test("random bytes behind a good head", () => {
    const head = archiveOf([]).subarray(0, -5);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => void outcome(Buffer.concat([head, tail]))),
    );
  });

  test.each([
    [
      "another kind of file",
      Buffer.from("PK\u0003\u0004 and more than enough bytes"),
      "does not begin with PGDMP",
    ],
    ["a version to come", archiveOf([], { minor: 17 }), "version 1.17 is not known"],
    ["a version long gone", archiveOf([], { minor: 13 }), "version 1.13 is not known"],
    ["an entry twice", archiveOf([TABLE, TABLE]), "entry 12 is there twice"],
    ["an entry without a number", archiveOf([{ ...TABLE, id: 0 }]), "has the number 0"],
    [
      "an unknown section",
      archiveOf([{ ...TABLE, section: "nowhere" as Section }]),
      "lies in no known section",
    ],
  ])("%s", (_, bytes, reason) => {
    expect(() => parseArchive(bytes)).toThrow(
      expect.objectContaining({
        code: "ArchiveUnreadable",
        message: expect.stringContaining(reason),
        hint: expect.stringContaining("take another one"),
      }),
    );
  });

  test("a count of entries beyond what its bytes can hold", () => {
    const empty = archiveOf([]);
    empty.writeUInt32LE(0x7fffffff, empty.length - 4);
    expect(() => parseArchive(empty)).toThrow(/it claims 2147483647 entries in \d+ bytes/);
  });
});
