/**
 * What every backend of a store has to do, asked of one: the same rows, the same order, the same refusals.
 * Long because it is one list: a backend conforms when it does all of it.
 */
import { describe, expect, test } from "vitest";
import type { Row, Store, Writer } from "../../core/store/store.ts";
import { openStore } from "../../store/open-store.ts";
import { refusalOf } from "../refusal.ts";
import { EVERY_TYPE, NOT_OF_ITS_TYPE, OTHERWISE_WRITTEN } from "./every-type.ts";
import { allRows, type BackendName, type World, withStore } from "./world.ts";

const author = (id: string, more: Row = {}) => ({ id, email: `${id}@example.org`, name: null, ...more });
const book = (id: string, author_id: string, more: Row = {}) => ({
  ...{ id, code: `code ${id}`, author_id, editor_id: null, title: null },
  ...more,
});

const GREEK = "9b2f0c1e-1111-4222-8333-444455556666";
const LATIN = "0b2f0c1e-1111-4222-8333-444455556666";

export function conforms(name: BackendName, world: () => World): void {
  const withEmpty = async (work: (store: Store) => Promise<void>) =>
    withStore(await world().empty(name), work);

  describe(name, () => {
    test("a row is put whole, got by its key, replaced by another and deleted", () =>
      withEmpty(async (store) => {
        expect(await store.get("Author", { id: "a" })).toBeUndefined();
        await store.put("Author", author("a", { name: "Ada" }));
        expect(await store.get("Author", { id: "a" })).toEqual(author("a", { name: "Ada" }));
        await store.put("Author", author("a"));
        expect(await store.get("Author", { id: "a" })).toEqual(author("a"));
        expect(await store.count("Author")).toBe(1);
        expect(await store.delete("Author", { id: "a" })).toBe(true);
        expect(await store.delete("Author", { id: "a" })).toBe(false);
        expect(await store.count("Author")).toBe(0);
      }));

    test("a row is appended where its key is new, and refused where it is not", () =>
      withEmpty(async (store) => {
        await store.append("Counter", { id: "a", value: "1" });
        const refusal = await refusalOf(() => store.append("Counter", { id: "a", value: "2" }));
        expect(refusal).toMatchObject({
          code: "StoreUniqueViolated",
          message: 'the row {"id":"a"} of "Counter" would be a second one by "primary key"',
          hint: "give it other values, or change the row that has these; nothing was written",
        });
        expect(await store.get("Counter", { id: "a" })).toEqual({ id: "a", value: "1" });
      }));

    test("values of every type come back as they were put", () =>
      withEmpty(async (store) => {
        for (const row of EVERY_TYPE) await store.append("EveryType", row);
        expect(await allRows(store, "EveryType", 3)).toEqual(EVERY_TYPE);
      }));

    test.for(OTHERWISE_WRITTEN)(
      "what Postgres would write otherwise is kept as it would be: %s %j",
      ([column, given, kept]) =>
        withEmpty(async (store) => {
          const [, empty] = EVERY_TYPE;
          await store.put("EveryType", { ...empty, id: 1, [column]: given });
          expect(await store.get("EveryType", { id: 1 })).toEqual({ ...empty, id: 1, [column]: kept });
        }),
    );

    test("what is not of its column's type is refused, and nothing is written", () =>
      withEmpty(async (store) => {
        const [, empty] = EVERY_TYPE;
        for (const [column, value] of NOT_OF_ITS_TYPE)
          expect(
            await refusalOf(() => store.put("EveryType", { ...empty, id: 1, [column]: value })),
            `${column} ${JSON.stringify(value)}`,
          ).toMatchObject({ code: "StoreRowInvalid", hint: expect.stringContaining("nothing was written") });
        for (const row of [
          { id: "a" },
          { ...author("a"), age: 3 },
          author("a", { id: null }),
          author("a", { name: "n".repeat(21) }),
        ])
          expect(await refusalOf(() => store.put("Author", row as Row))).toMatchObject({
            code: "StoreRowInvalid",
          });
        for (const key of [{}, { id: null }, { id: 7 }, { id: "a", name: "b" }])
          expect(await refusalOf(() => store.get("Author", key))).toMatchObject({ code: "StoreRowInvalid" });
        expect(await refusalOf(() => store.get("Authors", { id: "a" }))).toMatchObject({
          code: "StoreModelUnknown",
        });
        expect(await store.count("EveryType")).toBe(0);
        expect(await store.count("Author")).toBe(0);
      }));

    test("no key leads astray, and none is taken for another", () =>
      withEmpty(async (store) => {
        const ids = [
          ...[
            "..",
            ".",
            "/",
            "../../head.json",
            "a/b",
            "a\\b",
            ".hidden",
            "%2e%2e",
            "CON",
            "a b",
            " ",
            "~",
            "é",
            "e\u0301",
          ],
          ...[
            "head.json",
            ".lock",
            "cache",
            "__proto__",
            "constructor",
            "\n",
            "\u{1f600}",
            "x".repeat(300),
            "A",
            "a",
            "*",
            "?",
          ],
        ];
        for (const id of ids) await store.append("Counter", { id, value: String(ids.indexOf(id)) });
        for (const id of ids)
          expect(await store.get("Counter", { id })).toEqual({ id, value: String(ids.indexOf(id)) });
        expect(await store.count("Counter")).toBe(ids.length);
        const odd = JSON.parse('{"the id": "..", "__proto__": 5, "constructor": null}') as Row;
        await store.put("Odd", odd);
        const key = JSON.parse('{"the id": "..", "__proto__": 5}') as Row;
        expect(JSON.stringify(await store.get("Odd", key))).toBe(JSON.stringify(odd));
        expect(await store.delete("Odd", key)).toBe(true);
      }));

    test("rows are listed by the order of their keys: texts by bytes, numbers by value", () =>
      withEmpty(async (store) => {
        // The last two are the other way round by UTF-16.
        const ids = ["", "A", "Z", "a", "a ", "aa", "b", "z", "é", "\uffee", "\u{1f600}"];
        for (const id of [...ids].reverse())
          await store.put("Author", author(id, { email: `e${ids.indexOf(id)}` }));
        expect((await allRows(store, "Author", 2)).map((row) => row.id)).toEqual(ids);
        const numbers = ["-9223372036854775808", "-10", "-9", "0", "9", "10", "9223372036854775807"];
        for (const id of [...numbers].reverse()) await store.put("Book", book(id, "a"));
        expect((await allRows(store, "Book", 3)).map((row) => row.id)).toEqual(numbers);
        await store.put("Tag", { id: GREEK, label: "greek" });
        await store.put("Tag", { id: LATIN, label: "latin" });
        const pairs = [
          ["-10", LATIN],
          ["-10", GREEK],
          ["9", LATIN],
          ["10", LATIN],
        ] as const;
        for (const [book_id, tag_id] of [...pairs].reverse()) await store.put("BookTag", { book_id, tag_id });
        expect((await allRows(store, "BookTag", 1)).map((row) => [row.book_id, row.tag_id])).toEqual(pairs);
        const { next } = await store.list("BookTag", {}, { limit: pairs.length });
        expect(next).toBeUndefined();
        expect(await store.list("BookTag", {}, { after: { book_id: "5", tag_id: LATIN }, limit: 1 })).toEqual(
          {
            rows: [{ book_id: "9", tag_id: LATIN }],
            next: { book_id: "9", tag_id: LATIN },
          },
        );
      }));

    test("rows are listed by what is declared, and by nothing else", () =>
      withEmpty(async (store) => {
        for (const id of ["a", "b"]) await store.put("Author", author(id));
        for (const [id, by, title] of [
          ["1", "a", null],
          ["2", "b", "T"],
          ["3", "a", "T"],
          ["4", "a", null],
        ] as const)
          await store.put("Book", book(id, by, { title }));
        const ids = async (by: Row, page = {}) =>
          (await store.list("Book", by, page)).rows.map(({ id }) => id);
        expect(await ids({ author_id: "a" })).toEqual(["1", "3", "4"]);
        expect(await ids({ author_id: "a" }, { limit: 2 })).toEqual(["1", "3"]);
        expect(await ids({ author_id: "a" }, { limit: 2, after: { id: "3" } })).toEqual(["4"]);
        expect(await ids({ title: "T" })).toEqual(["2", "3"]);
        expect(await ids({ title: null })).toEqual(["1", "4"]);
        expect(await ids({ code: "code 2" })).toEqual(["2"]);
        expect(await ids({ editor_id: "a" })).toEqual([]);
        await store.put("Book", book("1", "b", { title: "T" }));
        expect(await ids({ title: "T" })).toEqual(["1", "2", "3"]);
        expect(await ids({ author_id: "a" })).toEqual(["3", "4"]);
        for (const by of [{ title: "T", author_id: "a" }, { none: 1 }])
          expect(await refusalOf(() => store.list("Book", by as unknown as Row))).toMatchObject({
            code: "StoreIndexMissing",
            hint: expect.stringContaining("an index, a unique constraint, a foreign key"),
          });
        expect(await refusalOf(() => store.list("Book", {}, { limit: 1_001 }))).toMatchObject({
          code: "StoreRowInvalid",
        });
        expect(await refusalOf(() => store.list("Book", { title: 7 } as Row))).toMatchObject({
          code: "StoreRowInvalid",
        });
      }));

    test("a unique constraint holds, within a transaction too, and NULLs are no twins", () =>
      withEmpty(async (store) => {
        await store.put("Author", author("a"));
        const twin = { code: "StoreUniqueViolated", message: expect.stringContaining('"authors_email_key"') };
        expect(
          await refusalOf(() => store.put("Author", author("b", { email: "a@example.org" }))),
        ).toMatchObject(twin);
        // A row may keep its own, and one that was given up may be taken.
        await store.put("Author", author("a", { name: "Ada" }));
        await store.transaction(async (tx) => {
          await tx.put("Author", author("a", { email: "other" }));
          await tx.put("Author", author("b", { email: "a@example.org" }));
        });
        expect(
          await refusalOf(() => store.put("Author", author("a", { email: "a@example.org" }))),
        ).toMatchObject(twin);
        expect(await store.count("Author")).toBe(2);
      }));

    test("a row refers only to what is there", () =>
      withEmpty(async (store) => {
        expect(await refusalOf(() => store.put("Book", book("1", "a")))).toMatchObject({
          code: "StoreReferenceMissing",
          message:
            'the row {"id":"1"} of "Book" refers to a row of "Author" that is not there, by "books_author_id_fkey"',
          hint: expect.stringContaining("write the row that it refers to first"),
        });
        await store.transaction(async (tx) => {
          await tx.put("Author", author("a"));
          await tx.put("Book", book("1", "a"));
        });
        expect(await refusalOf(() => store.put("Book", book("1", "a", { editor_id: "b" })))).toMatchObject({
          code: "StoreReferenceMissing",
          message: expect.stringContaining("books_editor_id_fkey"),
        });
        await store.put("Node", { id: 1, parent_id: 1 });
        expect(await refusalOf(() => store.put("Node", { id: 2, parent_id: 3 }))).toMatchObject({
          code: "StoreReferenceMissing",
        });
        expect(await store.count("Node")).toBe(1);
      }));

    test("what is referred to stays, is followed, or is let go of, as the relation says", () =>
      withEmpty(async (store) => {
        for (const id of ["a", "b", "nobody"]) await store.put("Author", author(id));
        await store.put("Book", book("1", "a", { editor_id: "b" }));
        await store.put("Book", book("2", "b", { editor_id: "a" }));
        await store.put("Tag", { id: LATIN, label: "latin" });
        await store.put("BookTag", { book_id: "1", tag_id: LATIN });
        await store.put("Home", { id: 1, author_id: "a" });
        await store.put("Loan", { id: 1, book_code: "code 2" });
        // RESTRICT and NO ACTION.
        const stays = {
          code: "StoreStillReferenced",
          hint: expect.stringContaining("delete or change the rows that refer to it first"),
        };
        expect(await refusalOf(() => store.delete("Tag", { id: LATIN }))).toMatchObject({
          ...stays,
          message: `rows of "BookTag" still refer to what was to go with the row {"id":"${LATIN}"} of "Tag", by "book_tags_tag_id_fkey"`,
        });
        expect(await refusalOf(() => store.delete("Book", { id: "2" }))).toMatchObject(stays);
        // Also at the end of a cascade; then nothing of it has happened.
        expect(await refusalOf(() => store.delete("Author", { id: "b" }))).toMatchObject({
          ...stays,
          message: expect.stringContaining("loans_book_code_fkey"),
        });
        expect((await store.get("Book", { id: "1" }))?.editor_id).toBe("b");
        // CASCADE, through two tables; SET NULL; SET DEFAULT.
        expect(await store.delete("Author", { id: "a" })).toBe(true);
        expect(await store.get("Book", { id: "1" })).toBeUndefined();
        expect(await store.count("BookTag")).toBe(0);
        expect(await store.get("Book", { id: "2" })).toEqual(book("2", "b"));
        expect(await store.get("Home", { id: 1 })).toEqual({ id: 1, author_id: "nobody" });
        expect(await store.delete("Tag", { id: LATIN })).toBe(true);
        // ON UPDATE CASCADE.
        await store.put("Book", book("2", "b", { code: "another" }));
        expect(await store.get("Loan", { id: 1 })).toEqual({ id: 1, book_code: "another" });
        // A default that refers to nothing.
        await store.put("Home", { id: 2, author_id: "b" });
        await store.delete("Loan", { id: 1 });
        // A default that is the very row which is to go.
        expect(await refusalOf(() => store.delete("Author", { id: "nobody" }))).toMatchObject(stays);
        await store.delete("Home", { id: 1 });
        await store.delete("Author", { id: "nobody" });
        expect(await refusalOf(() => store.delete("Author", { id: "b" }))).toMatchObject({
          code: "StoreReferenceMissing",
        });
        await store.delete("Home", { id: 2 });
        expect(await store.delete("Author", { id: "b" })).toBe(true);
        expect(await store.count("Book")).toBe(0);
        await store.put("Node", { id: 1, parent_id: null });
        await store.put("Node", { id: 2, parent_id: 1 });
        expect(await refusalOf(() => store.delete("Node", { id: 1 }))).toMatchObject(stays);
        await store.put("Node", { id: 2, parent_id: 2 });
        expect(await store.delete("Node", { id: 2 })).toBe(true);
      }));

    test("what goes with a row goes in the order of its relations: first its own, then theirs", () =>
      withEmpty(async (store) => {
        for (const id of [1, 2]) {
          await store.put("Shelf", { id });
          await store.put("Box", { id, shelf_id: id });
        }
        // It keeps its box, but goes with the shelf before anybody asks about the box.
        await store.put("Thing", { id: 1, shelf_id: 1, box_id: 1 });
        expect(await refusalOf(() => store.delete("Box", { id: 1 }))).toMatchObject({
          code: "StoreStillReferenced",
        });
        expect(await store.delete("Shelf", { id: 1 })).toBe(true);
        expect([await store.count("Box"), await store.count("Thing")]).toEqual([1, 0]);
        // It would go with the box, but is asked about the shelf before that.
        await store.put("Wire", { id: 2, box_id: 2, shelf_id: 2 });
        expect(await refusalOf(() => store.delete("Shelf", { id: 2 }))).toMatchObject({
          code: "StoreStillReferenced",
          message: expect.stringContaining("wires_shelf_id_fkey"),
        });
        expect(await store.delete("Box", { id: 2 })).toBe(true);
        expect(await store.count("Wire")).toBe(0);
      }));

    test("a transaction is all or nothing, over several models, and sees what it has written", () =>
      withEmpty(async (store) => {
        const stopped = new Error("the application thought better of it");
        await expect(
          store.transaction(async (tx) => {
            await tx.put("Author", author("a"));
            await tx.put("Book", book("1", "a"));
            expect(await tx.get("Book", { id: "1" })).toEqual(book("1", "a"));
            expect((await tx.list("Book", { author_id: "a" })).rows).toHaveLength(1);
            expect(await tx.count("Author")).toBe(1);
            throw stopped;
          }),
        ).rejects.toBe(stopped);
        expect([await store.count("Author"), await store.count("Book")]).toEqual([0, 0]);
        const given = await store.transaction(async (tx) => {
          await tx.put("Author", author("a"));
          await tx.put("Book", book("1", "a"));
          await tx.delete("Author", { id: "a" });
          expect(await tx.count("Book")).toBe(0);
          await tx.put("Author", author("a"));
          return "done";
        });
        expect(given).toBe("done");
        expect([await store.count("Author"), await store.count("Book")]).toEqual([1, 0]);
      }));

    test("a refusal ends its transaction, whatever the work makes of it", () =>
      withEmpty(async (store) => {
        let tx: Writer | undefined;
        const refusal = await refusalOf(() =>
          store.transaction(async (mine) => {
            tx = mine;
            await mine.put("Author", author("a"));
            await mine.append("Author", author("a")).catch(() => undefined);
            expect(await refusalOf(() => mine.count("Author"))).toMatchObject({
              code: "StoreClosed",
              hint: expect.stringContaining("ask nothing of it after a refusal"),
            });
          }),
        );
        expect(refusal).toMatchObject({ code: "StoreUniqueViolated" });
        expect(await store.count("Author")).toBe(0);
        expect(await refusalOf(() => tx?.put("Author", author("b")))).toMatchObject({ code: "StoreClosed" });
      }));

    test("no update is lost, though all read before they write", () =>
      withEmpty(async (store) => {
        await store.put("Counter", { id: "n", value: "0" });
        const add = () =>
          store.transaction(async (tx) => {
            const found = await tx.get("Counter", { id: "n" });
            await tx.put("Counter", { id: "n", value: String(BigInt(String(found?.value)) + 1n) });
          });
        await Promise.all(Array.from({ length: 8 }, add));
        expect(await store.get("Counter", { id: "n" })).toEqual({ id: "n", value: "8" });
      }));

    test("two who each read what the other writes do not both have their way", () =>
      withEmpty(async (store) => {
        for (const id of ["a", "b"]) await store.put("Counter", { id, value: "1" });
        /** Goes when somebody stays. */
        const leave = (id: string) =>
          store.transaction(async (tx) => {
            const { rows } = await tx.list("Counter", {});
            const on = rows.filter(({ value }) => value === "1");
            if (on.length > 1) await tx.put("Counter", { id, value: "0" });
          });
        await Promise.all([leave("a"), leave("b")]);
        const { rows } = await store.list("Counter", {});
        expect(rows.map(({ value }) => value).sort()).toEqual(["0", "1"]);
        // And of rows that were not there when they were counted.
        const most = (id: number) =>
          store.transaction(async (tx) => {
            if ((await tx.count("Node")) < 3) await tx.append("Node", { id, parent_id: null });
          });
        await Promise.all(Array.from({ length: 6 }, (_, id) => most(id)));
        expect(await store.count("Node")).toBe(3);
      }));

    test("two who opened the same store see each other's rows at once", async () => {
      const options = await world().empty(name);
      await withStore(options, (one) =>
        withStore({ ...options, create: false }, async (other) => {
          await one.put("Author", author("a"));
          expect(await other.get("Author", { id: "a" })).toEqual(author("a"));
          await other.put("Author", author("a", { name: "Ada" }));
          await other.put("Author", author("b"));
          expect((await one.list("Author", {})).rows).toEqual([author("a", { name: "Ada" }), author("b")]);
          await one.delete("Author", { id: "a" });
          expect(await other.count("Author")).toBe(1);
        }),
      );
    });

    test("a store that was opened again has what it had, and a closed one answers nobody", async () => {
      const options = await world().empty(name);
      const store = await openStore(options);
      await store.put("Author", author("a"));
      await store.close();
      expect(await refusalOf(() => store.get("Author", { id: "a" }))).toMatchObject({ code: "StoreClosed" });
      expect(await refusalOf(() => store.put("Author", author("b")))).toMatchObject({ code: "StoreClosed" });
      await withStore({ ...options, create: false }, async (again) => {
        expect(await allRows(again, "Author")).toEqual([author("a")]);
      });
    });
  });
}
