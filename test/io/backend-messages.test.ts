/** The wire protocol in pieces: wherever the network cuts the stream, the same messages and the same bytes come out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BackendMessages, errorFields, frontendMessage } from "../../io/postgres/backend-messages.ts";
import { PgDumpFrontend } from "../../io/postgres/dump/frontend.ts";

const message = fc.oneof(
  fc.tuple(fc.constant("d"), fc.uint8Array({ maxLength: 40 })),
  fc.tuple(fc.constantFrom("C", "E", "Z", "c", "N"), fc.uint8Array({ maxLength: 20 })),
);

/** The bytes, cut where the numbers say. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const edges = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])];
  edges.sort((one, other) => one - other);
  return edges.slice(1).map((end, index) => Buffer.from(bytes.subarray(edges[index], end)));
}

test("CopyData is put together and everything else told in order, however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (sent, places) => {
        const stream = Buffer.concat(sent.map(([type, body]) => frontendMessage(type, body)));
        const reader = new BackendMessages();
        const taken = cut(stream, places).map((piece) => reader.take(piece));
        expect(Buffer.concat(taken.map(({ copyData }) => copyData))).toEqual(
          Buffer.concat(sent.filter(([type]) => type === "d").map(([, body]) => body)),
        );
        expect(taken.flatMap(({ messages }) => messages)).toEqual(
          sent.filter(([type]) => type !== "d").map(([type, body]) => ({ type, body: Buffer.from(body) })),
        );
      },
    ),
  );
});

test("a length that is none is not waited for", () => {
  const broken = Buffer.from([0x5a, 0xff, 0xff, 0xff, 0xff]);
  expect(new BackendMessages().take(broken).messages).toEqual([{ type: "Z", body: Buffer.alloc(0) }]);
});

test("the fields of an error are read as far as they are there", () => {
  expect(errorFields(Buffer.from("SERROR\0C42P01\0Mno such \u00e9\0\0"))).toEqual({
    ...{ S: "ERROR", C: "42P01", M: "no such é" },
  });
  expect(errorFields(Buffer.from("SERROR\0Mcut sho"))).toEqual({ S: "ERROR" });
});

describe("pg_dump's side", () => {
  const startup = Buffer.concat([Buffer.from([0, 0, 0, 8]), Buffer.from([0, 3, 0, 0])]);
  const encryption = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
  const copies: string[] = [];
  const start = (withoutData: boolean) => {
    const frontend = new PgDumpFrontend({
      ...{ parameters: { server_version: "18.4" }, withoutData },
      onCopy: (statement) => copies.push(statement),
    });
    frontend.take(encryption);
    frontend.take(startup);
    return frontend;
  };
  const query = (sql: string) => frontendMessage("Q", `${sql}\0`);
  const types = (answers: Buffer[]) =>
    new BackendMessages()
      .take(Buffer.concat(answers))
      .messages.map(({ type }) => type)
      .join("");

  test("encryption is declined and the start answered with what the true server said", () => {
    const frontend = new PgDumpFrontend({ parameters: { a: "b" }, withoutData: true, onCopy: () => {} });
    expect(frontend.take(encryption).answer).toEqual([Buffer.from("N")]);
    const { answer, forward } = frontend.take(startup);
    expect(types(answer)).toBe("RSKZ");
    expect(forward).toEqual([]);
  });

  test("a COPY is answered empty and told, a query is passed on, and the end is kept from the server", () => {
    const frontend = start(true);
    const sql = 'COPY public."a\nb" (c) TO stdout;';
    const { answer, forward } = frontend.take(
      Buffer.concat([query(sql), query("SELECT 1"), frontendMessage("X")]),
    );
    expect(types(answer)).toBe("HcCZ");
    expect(copies).toEqual([sql]);
    expect(forward.map((bytes) => Buffer.from(bytes))).toEqual([query("SELECT 1")]);
  });

  test("large objects open, hold nothing and close; other functions are the server's", () => {
    const call = (oid: number) =>
      frontendMessage("F", Buffer.concat([Buffer.from([0, 0]), Buffer.from([oid >> 8, oid & 255, 0, 0])]));
    const { answer, forward } = start(true).take(Buffer.concat([call(952), call(954), call(953), call(955)]));
    expect(types(answer)).toBe("VZVZVZ");
    expect(forward).toHaveLength(1);
    expect(start(false).take(call(954)).forward).toHaveLength(1);
  });

  test("messages may come byte by byte", () => {
    const frontend = start(true);
    const sent = Buffer.concat([query("SELECT 1"), query("SELECT 2")]);
    const forwarded = [...sent].flatMap((byte) => frontend.take(Uint8Array.of(byte)).forward);
    expect(Buffer.concat(forwarded)).toEqual(sent);
  });
});
