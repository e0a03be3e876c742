/** Large objects as COPY text: the same pieces however the text is cut, and nothing else taken for one. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LargeObjectLines } from "../../core/large-object-lines.ts";

function read(pieces: (Uint8Array | string)[]) {
  const lines = new LargeObjectLines("large-objects/0.zst");
  const read = pieces.flatMap((piece) => [...lines.take(Buffer.from(piece))]);
  lines.end();
  return read.map(({ oid, offset, bytes }) => ({ oid, offset, bytes: Buffer.from(bytes).toString("hex") }));
}

test("lines are the same pieces wherever the text is cut", () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((one) => Buffer.from(one).toString("hex"));
  const piece = fc.record({ oid: fc.nat(2 ** 32 - 1), offset: fc.nat(2 ** 40), bytes });
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(500)), (pieces, cuts) => {
      const text = Buffer.from(
        pieces.map((one) => `${one.oid}\t${one.offset}\t\\\\x${one.bytes}\n`).join(""),
      );
      const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
      expect(read(places.slice(1).map((end, place) => text.subarray(places[place], end)))).toEqual(pieces);
    }),
  );
});

test.each([
  ["no digits behind the mark", "1\t0\t\\\\x0\n", "no piece"],
  ["something else than digits", "1\t0\t\\\\x0g\n", "no piece"],
  ["bytea in another form", "1\t0\tab\n", "no piece"],
  ["no bytes at all", "1\t0\t\\N\n", "no piece"],
  ["another count of fields", "1\t\\\\x00\n", "no piece"],
  ["an empty line", "\n", "no piece"],
  ["an end in the middle of a line", "1\t0\t\\\\x00\n1\t1", "cut short"],
  ["a line without an end", "1".repeat(1024 ** 2 + 1), "longer than 1048576 bytes"],
])("%s is refused", (_, text, reason) => {
  expect(() => read([text])).toThrow(
    expect.objectContaining({
      code: "BackupCorrupt",
      facts: { object: "large-objects/0.zst", reason: expect.stringContaining(reason) },
      hint: expect.stringContaining("take another backup"),
    }),
  );
});
