/** The bytes of an archive: read back as they were meant, and the very bytes where they are known. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ArchiveContents, type ArchiveRecord, parseContents } from "../../core/archive.ts";
import {
  blockStart,
  chunkStart,
  contentsBytes,
  dataEnd,
  dataFile,
  END_OF_ROWS,
  largeObjectStart,
} from "../../core/archive-writer.ts";

const RECORD: ArchiveRecord = {
  ...{ id: 12, hasData: true, catalog: "0", oid: "0", tag: "t", kind: "TABLE DATA", section: "data" },
  ...{
    definition: "",
    drop: undefined,
    copy: "C",
    schema: "s",
    tablespace: undefined,
    accessMethod: undefined,
  },
  ...{ relationKind: 114, owner: "é", withOids: "false", dependencies: [3] },
};
const CONTENTS: ArchiveContents = {
  ...{
    minor: 16,
    made: [1, 2, 3, 4, 5, 126, -1],
    database: "d",
    serverVersion: "18.4",
    dumpVersion: undefined,
  },
  records: [RECORD],
};

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("each field has its bytes: a sign and four bytes, a length and UTF-8, nothing at all as -1", () => {
  const none = "0101000000";
  expect(hex(contentsBytes(CONTENTS, { format: "custom", gzipLevel: 6 }))).toBe(
    [
      "5047444d50 011000 04 08 01 01",
      "0001000000 0002000000 0003000000 0004000000 0005000000 007e000000 0101000000",
      `000100000064 0004000000 31382e34 ${none} 0001000000`,
      "000c000000 0001000000 000100000030 000100000030 000100000074",
      "000a000000 5441424c452044415441 0003000000",
      `0000000000 ${none} 000100000043 000100000073 ${none} ${none} 0072000000`,
      `0002000000 c3a9 0005000000 66616c7365 000100000033 ${none}`,
      "01 0000000000000000",
    ]
      .join("")
      .replaceAll(" ", ""),
  );
});

test("of a folder the table of contents is a tar file's, and names the file of each entry", () => {
  const bytes = contentsBytes(CONTENTS, { format: "directory", gzipLevel: 0 });
  expect(hex(bytes).startsWith("5047444d50011000040803" + "00")).toBe(true);
  expect(Buffer.from(bytes).subarray(-11).toString("latin1")).toBe("\0\u0006\0\0\0" + "12.dat");
  const names = (record: Partial<ArchiveRecord>) =>
    [14, 16].map((minor) => dataFile({ ...RECORD, ...record }, minor));
  expect(names({ kind: "BLOBS" })).toEqual(["blobs.toc", "blobs_12.toc"]);
  expect(names({ hasData: false })).toEqual([undefined, undefined]);
});

test("before 1.15 the compression is told by its level", () => {
  const level = (gzipLevel: number) =>
    hex(contentsBytes({ ...CONTENTS, minor: 14 }, { format: "custom", gzipLevel })).slice(22, 32);
  expect([0, 9].map(level)).toEqual(["0000000000", "0009000000"]);
});

test("blocks, chunks, identifiers beyond a signed integer, and ends", () => {
  expect(hex(blockStart(RECORD))).toBe("01000c000000");
  expect(hex(blockStart({ ...RECORD, kind: "BLOBS" }))).toBe("03000c000000");
  expect(hex(chunkStart(65_536))).toBe("0000000100");
  expect(hex(largeObjectStart(16_400))).toBe("0010400000");
  // 4294967295 has the bits of -1, and 2147483648 those of the lowest integer, whose absolute value is itself.
  expect(hex(largeObjectStart(4_294_967_295))).toBe("0101000000");
  expect(hex(largeObjectStart(2_147_483_648))).toBe("0100000080");
  expect(hex(dataEnd())).toBe("0000000000");
  expect(Buffer.from(END_OF_ROWS).toString()).toBe("\\.\n\n\n");
});

test("whatever is written is read back equal, what is empty and what is not there kept apart", () => {
  const text = fc.option(fc.string({ unit: "grapheme" }), { nil: undefined });
  const number = fc.nat(2 ** 31 - 1);
  const record = fc.record({
    ...{ hasData: fc.boolean(), catalog: text, oid: text, tag: text, kind: fc.string() },
    section: fc.constantFrom("none", "pre-data", "data", "post-data"),
    ...{ definition: text, drop: text, copy: text, schema: text, tablespace: text, accessMethod: text },
    ...{ relationKind: fc.nat(255), owner: text, withOids: text, dependencies: fc.array(number) },
  });
  const contents = fc.record({
    minor: fc.constantFrom(14, 15, 16),
    made: fc.array(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), { minLength: 7, maxLength: 7 }),
    ...{ database: text, serverVersion: text, dumpVersion: text },
    records: fc.array(record, { maxLength: 5 }),
  });
  fc.assert(
    fc.property(contents, fc.nat(9), ({ records, ...head }, gzipLevel) => {
      const written = { ...head, records: records.map((one, place) => ({ ...one, id: place + 1 })) };
      const known = written.records.map((one) => (head.minor < 16 ? { ...one, relationKind: 0 } : one));
      const bytes = contentsBytes(written, { format: "custom", gzipLevel });
      expect(parseContents(bytes)).toEqual({ ...written, records: known });
    }),
    { numRuns: 300 },
  );
});
