/** Old beside new: what a person compares before saying yes. */
import { describe, expect, test } from "vitest";
import type { Json } from "../../core/canonical-json.ts";
import { schemaChanges } from "../../core/schema-changes.ts";
import type { Shape } from "../../core/shape.ts";

const shapeOf = (objects: Record<string, Json>): Shape => ({ format: "rehearsal-shape/1", objects });

const files = (columns: Record<string, Json>) => ({
  ...{ schema: "public", name: "files", owner: "app", columns },
  order: Object.keys(columns),
});

describe("a table that stays", () => {
  const before = shapeOf({
    "table public.files": files({ id: { type: "integer" }, title: { type: "text" } }),
  });

  test("tells each column that came, went or changed, and not that the others moved along", () => {
    const after = shapeOf({
      "table public.files": files({
        title: { type: "text", notNull: true, default: "'untitled'" },
        size: { type: "bigint", default: "a * 2", generated: "stored" },
      }),
    });
    expect(schemaChanges(before, after)).toEqual({
      changes: [
        {
          ...{ address: "table public.files", kind: "changed", more: 0 },
          lines: [
            { part: "column id", before: "integer", after: null },
            { part: "column title", before: "text", after: "text, not null, default 'untitled'" },
            { part: "column size", before: null, after: "bigint, generated stored as a * 2" },
          ],
        },
      ],
      more: 0,
    });
  });

  test("tells the order when columns change places", () => {
    const after = shapeOf({
      "table public.files": files({ title: { type: "text" }, id: { type: "integer" } }),
    });
    expect(schemaChanges(before, after).changes[0]?.lines).toEqual([
      { part: "order", before: '["id","title"]', after: '["title","id"]' },
    ]);
  });

  test("tells a new owner", () => {
    const after = shapeOf({
      "table public.files": {
        ...files({ id: { type: "integer" }, title: { type: "text" } }),
        owner: "other",
      },
    });
    expect(schemaChanges(before, after).changes[0]?.lines).toEqual([
      { part: "owner", before: "app", after: "other" },
    ]);
  });
});

test("the parts of a table that comes whole go without saying, those of one that stays do not", () => {
  const index = (table: string) => ({ definition: `CREATE INDEX i ON public.${table} (id)` });
  const after = shapeOf({
    "table public.fresh": files({ id: { type: "integer" } }),
    "index public.fresh_id on public.fresh": index("fresh"),
    "index public.old_id on public.old": index("old"),
  });
  expect(schemaChanges(shapeOf({}), after).changes.map(({ address, kind }) => `${kind} ${address}`)).toEqual([
    "added index public.old_id on public.old",
    "added table public.fresh",
  ]);
});

test("of very many objects and lines the first are told, and how many more there are", () => {
  const columns = Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`c${n}`, { type: "text" }]));
  const views = Object.fromEntries(
    Array.from({ length: 210 }, (_, n) => [`view public.v${n}`, { definition: "x".repeat(5_000) }]),
  );
  const { changes, more } = schemaChanges(
    shapeOf({}),
    shapeOf({ "table public.a": files(columns), ...views }),
  );
  expect([changes.length, more]).toEqual([200, 11]);
  expect([changes[0]?.lines.length, changes[0]?.more]).toEqual([60, 10]);
  expect(changes[1]?.lines[0]?.after).toHaveLength(2_001);
});

test("equal shapes differ in nothing, and a column may have the name of a prototype", () => {
  const odd = shapeOf({ "table public.t": files(JSON.parse('{"__proto__": {"type": "text"}}')) });
  expect(schemaChanges(odd, odd)).toEqual({ changes: [], more: 0 });
  expect(schemaChanges(shapeOf({}), odd).changes[0]?.lines).toEqual([
    { part: "column __proto__", before: null, after: "text" },
  ]);
});
