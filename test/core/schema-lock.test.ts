import { describe, expect, test } from "vitest";
import {
  compareLocks,
  parseSchemaLock,
  refuseOtherSchema,
  schemaLock,
  schemaLockText,
} from "../../core/schema-lock.ts";
import { schemaMarks } from "../../core/schema-marks.ts";
import { schemaPage } from "../../core/schema-page.ts";
import type { Shape } from "../../core/shape.ts";
import { parseAddress, parseForeignKey, tableOfIndex } from "../../core/shape-names.ts";
import { refusalOf } from "../refusal.ts";

const shape = (objects: Record<string, unknown>) =>
  ({ format: "rehearsal-shape/1", objects: JSON.parse(JSON.stringify(objects)) }) as Shape;

const table = (name: string, columns: Record<string, unknown>, more: object = {}) => ({
  schema: "public",
  name,
  owner: "app",
  columns,
  order: Object.keys(columns),
  ...more,
});

const LIBRARY = {
  "constraint books_pkey on public.books": { definition: "PRIMARY KEY (id)" },
  "constraint books_id_not_null on public.books": { definition: "NOT NULL id" },
  "constraint loans_book_fkey on public.loans": {
    definition:
      "FOREIGN KEY (book) REFERENCES public.books(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
  },
  "default privileges of app on tables": { grants: ["app=r/app"] },
  "extension plpgsql": { version: "1.0", schema: "pg_catalog" },
  "function public.f(integer)": {
    owner: "app",
    definition:
      "CREATE OR REPLACE FUNCTION public.f(a integer)\n RETURNS integer\n LANGUAGE sql\nAS $function$ select 1 $function$\n",
  },
  "index public.books_pkey": { constraint: "books_pkey" },
  "index public.books_title": { definition: "CREATE INDEX books_title ON public.books USING btree (title)" },
  "table public.books": table("books", {
    title: { type: "text" },
    id: { type: "integer", notNull: true, identity: "always" },
    facts: { type: "jsonb" },
    secret: { type: "bytea" },
  }),
  "table public.loans": table(
    "loans",
    { book: { type: "integer" } },
    { grants: ["app=r/app"], tablespace: "fast" },
  ),
  "type public.state": { owner: "app", labels: ["lent", "here"] },
  "view public.v": {
    owner: "app",
    columns: { id: { type: "integer" } },
    order: ["id"],
    definition: " SELECT id FROM public.books;",
  },
};

const marks = schemaMarks({
  tables: [
    {
      ...{
        key: "books",
        schema: "public",
        name: "books",
        owner: "us",
        purpose: "books",
        classification: "internal" as const,
      },
      columns: [{ name: "secret", classification: "secret" as const, encrypted: true as const }],
    },
  ],
});

describe("a schema lock", () => {
  test("says tables, relations with what happens on delete, enums, views and functions, in a readable order", () => {
    const lock = schemaLock(shape(LIBRARY), marks);
    expect(Object.keys(lock.tables["public.books"]?.columns ?? {})).toEqual([
      "title",
      "id",
      "facts",
      "secret",
    ]);
    expect(lock).toMatchObject({
      tables: {
        "public.books": {
          columns: {
            facts: { json: true },
            secret: { encrypted: true },
            id: { nullable: false, identity: "always" },
          },
          constraints: { books_pkey: "PRIMARY KEY (id)" },
          indexes: { "public.books_title": expect.stringContaining("btree (title)") },
        },
      },
      relations: [
        {
          name: "loans_book_fkey",
          table: "public.loans",
          references: "public.books",
          ...{ onDelete: "cascade", onUpdate: "no action", deferrable: "deferred" },
        },
      ],
      enums: { "public.state": ["lent", "here"] },
      functions: { "public.f(integer)": { signature: "FUNCTION public.f(a integer) RETURNS integer" } },
      others: { "extension plpgsql": { schema: "pg_catalog" } },
    });
  });

  test("is the same for other owners, rights, tablespaces, extension versions and named NOT NULLs", () => {
    const text = JSON.stringify(LIBRARY)
      .replaceAll('"owner":"app"', '"owner":"somebody"')
      .replaceAll('"version":"1.0"', '"version":"1.1"')
      .replaceAll('"tablespace":"fast"', '"tablespace":"slow"');
    const {
      "constraint books_id_not_null on public.books": _,
      "default privileges of app on tables": __,
      ...rest
    } = JSON.parse(text) as Record<string, object>;
    expect(schemaLock(shape(rest), marks)).toEqual(schemaLock(shape(LIBRARY), marks));
  });

  test("survives being written and read, whatever things are called", () => {
    const odd = "__proto__";
    const objects = Object.fromEntries([
      [
        `table public.${odd}`,
        JSON.parse(
          '{"schema":"public","name":"__proto__","columns":{"__proto__":{"type":"text"}},"order":["__proto__"]}',
        ) as object,
      ],
      ['table public."a""b|`c"', table('a"b|`c', { 'x"]}': { type: "text" } })],
    ]);
    const lock = schemaLock({ format: "rehearsal-shape/1", objects } as Shape);
    const read = parseSchemaLock(Buffer.from(schemaLockText(lock)));
    expect(schemaLockText(read)).toBe(schemaLockText(lock));
    expect(Object.keys(read.tables)).toContain("public.__proto__");
  });

  test("that was changed by hand is refused", async () => {
    const text = schemaLockText(schemaLock(shape(LIBRARY))).replace('"nullable": true', '"nullable": false');
    expect(await refusalOf(() => parseSchemaLock(Buffer.from(text)))).toMatchObject({
      code: "SchemaLockUnreadable",
      message: expect.stringContaining("changed by hand"),
      hint: expect.stringContaining("rehearsal schema --env"),
    });
    expect(await refusalOf(() => parseSchemaLock(Buffer.from("{")))).toMatchObject({
      code: "SchemaLockUnreadable",
    });
  });

  test("tells exactly what another schema has otherwise", async () => {
    const other = JSON.parse(
      JSON.stringify(LIBRARY).replace("ON DELETE CASCADE", "ON DELETE SET NULL"),
    ) as object;
    const [promised, actual] = [
      schemaLock(shape(LIBRARY)),
      schemaLock(shape(other as Record<string, unknown>)),
    ];
    expect(compareLocks(promised, actual)).toEqual([
      'relation loans_book_fkey on public.loans: "onDelete" is "set null", expected "cascade"',
    ]);
    expect(await refusalOf(() => refuseOtherSchema(promised, actual))).toMatchObject({
      code: "SchemaDiffers",
      message: expect.stringContaining('expected "cascade"'),
      hint: expect.stringContaining("write the lock anew"),
    });
    expect(compareLocks(promised, schemaLock(shape(LIBRARY)))).toEqual([]);
  });
});

describe("the page", () => {
  test("shows tables, relations and a diagram", () => {
    const page = schemaPage(schemaLock(shape(LIBRARY), marks));
    expect(page).toContain("| `id`     | `integer` |      | identity, always | primary key |");
    expect(page).toContain(
      "| `public.loans` (`book`) | `public.books` (`id`) | cascade   | no action | `loans_book_fkey`; deferrable, deferred |",
    );
    expect(page).toContain('  t1 |o--o{ t2 : "book"');
    expect(page).toContain("    integer id PK");
  });

  test("stays a page, and its diagram a diagram, with names that are syntax", () => {
    const name = 'a"] }\n```\n# <script>|`';
    const lock = schemaLock(
      shape({
        [`table public."${name.replaceAll('"', '""')}"`]: table(name, {
          'c" }\n%%{init': { type: "text" },
          "1": { type: "numeric(10,2)" },
        }),
      }),
    );
    const lines = schemaPage(lock).split("\n");
    const from = lines.indexOf("```mermaid");
    const to = lines.indexOf("```", from);
    expect(lines.slice(from, to)).toEqual([
      "```mermaid",
      "erDiagram",
      expect.stringMatching(/^ {2}t1\["public\.[\p{L}\p{N}_.,$ -]*"\] \{$/u),
      ...[
        expect.stringMatching(/^ {4}[A-Za-z_]\w* [A-Za-z_]\w*$/),
        expect.stringMatching(/^ {4}[A-Za-z_]\w* [A-Za-z_]\w*$/),
      ],
      "  }",
    ]);
    expect(lines.filter((line) => line.startsWith("# "))).toEqual(["# The schema"]);
  });

  test("draws at most sixty tables of a schema, those with relations first", () => {
    const many = Object.fromEntries(
      Array.from({ length: 70 }, (_, place) => [
        `table public.t${place}`,
        table(`t${place}`, { id: { type: "integer" } }),
      ]),
    );
    const page = schemaPage(
      schemaLock(
        shape({
          ...many,
          "constraint f on public.t9": { definition: "FOREIGN KEY (id) REFERENCES public.t8(id)" },
        }),
      ),
    );
    expect(page.match(/^ {2}t\d+\[/gm)).toHaveLength(60);
    expect(page).toContain('["public.t9"]');
    expect(page).toContain("10 more tables");
  });
});

describe("names in shapes", () => {
  test.each([
    [
      "materialized view public.v",
      { word: "materialized view", name: ["public", "v"], suffix: null, on: null },
    ],
    [
      'trigger "on" on public."x on y"',
      { word: "trigger", name: ["on"], suffix: null, on: ["public", "x on y"] },
    ],
    [
      'function public."F"(integer, "A b".c)',
      { word: "function", name: ["public", "F"], suffix: '(integer, "A b".c)', on: null },
    ],
  ])("%s", (address, parsed) => {
    expect(parseAddress(address)).toEqual(parsed);
  });

  test("foreign keys and indexes as the server prints them", () => {
    expect(
      parseForeignKey(
        'FOREIGN KEY (a, "B c") REFERENCES "S".t(x, y) MATCH FULL ON UPDATE RESTRICT ON DELETE SET NULL (a) NOT VALID',
      ),
    ).toEqual({
      ...{ columns: ["a", "B c"], references: ["S", "t"], referencedColumns: ["x", "y"] },
      ...{ onUpdate: "restrict", onDelete: "set null (a)", notValidated: true, match: "full" },
    });
    expect(parseForeignKey("FOREIGN KEY (a) REFERENCES s.t(x) NOT ENFORCED")).toMatchObject({
      notEnforced: true,
    });
    expect(tableOfIndex('CREATE UNIQUE INDEX "i ON x" ON ONLY "A".b USING btree (c)')).toEqual(["A", "b"]);
  });
});
