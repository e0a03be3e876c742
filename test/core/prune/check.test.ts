/** Policies that cannot be meant so, each with its place and its mend; and the order and the ways of one that can. */
import { expect, test } from "vitest";
import { parseInventory } from "../../../core/inventory.ts";
import { assertRetention, checkRetention } from "../../../core/prune/check.ts";
import type { Shape } from "../../../core/shape.ts";
import { refusalOf } from "../../refusal.ts";

/** Columns as `name type`, constraints as the server prints them, by table. */
const TABLES: Record<string, { columns: string[]; constraints?: string[]; facts?: object }> = {
  jobs: {
    columns: ["id bigint", "status public.status", "archived_at timestamp with time zone", "done boolean"],
    constraints: ["PRIMARY KEY (id)"],
  },
  finals: {
    columns: ["id bigint", "job bigint", "payload jsonb", "sha text", "kind text"],
    constraints: ["PRIMARY KEY (id)", "FOREIGN KEY (job) REFERENCES public.jobs(id)"],
  },
  rounds: {
    columns: ["id bigint", "job bigint", "second_job bigint", "taken tstzrange"],
    constraints: ["PRIMARY KEY (id)", "FOREIGN KEY (job) REFERENCES public.jobs(id)"],
  },
  images: {
    columns: ["id bigint", "round bigint", "key text", "size text"],
    constraints: ["PRIMARY KEY (id)", "FOREIGN KEY (round) REFERENCES public.rounds(id) ON DELETE CASCADE"],
  },
  views: { columns: ["round bigint"], constraints: ["FOREIGN KEY (round) REFERENCES public.rounds(id)"] },
  twice: {
    columns: ["id bigint", "a bigint", "b bigint"],
    constraints: [
      "PRIMARY KEY (id)",
      "FOREIGN KEY (a) REFERENCES public.jobs(id)",
      "FOREIGN KEY (b) REFERENCES public.jobs(id)",
    ],
  },
  keyless: { columns: ["job bigint"], constraints: ["FOREIGN KEY (job) REFERENCES public.jobs(id)"] },
  lonely: { columns: ["id bigint"], constraints: ["PRIMARY KEY (id)"] },
  children: {
    columns: ["id bigint"],
    constraints: ["PRIMARY KEY (id)"],
    facts: { inherits: ["public.lonely"] },
  },
  events: { columns: ["job bigint not null", "kind text not null", "note text"] },
};

function shapeOf(): Shape {
  const objects: Shape["objects"] = {
    "type public.status": { schema: "public", name: "status", labels: ["open", "archived"] },
  };
  for (const [name, { columns, constraints = [], facts }] of Object.entries(TABLES)) {
    objects[`table public.${name}`] = {
      ...{ schema: "public", name, ...facts },
      columns: Object.fromEntries(
        columns.map((column) => {
          const [own = "", ...type] = column.replace(" not null", "").split(" ");
          return [own, { type: type.join(" "), ...(column.endsWith(" not null") && { notNull: true }) }];
        }),
      ),
    };
    for (const [at, definition] of constraints.entries())
      objects[`constraint ${name}_${at} on public.${name}`] = { definition };
  }
  return { format: "rehearsal-shape/1", objects };
}

const GOOD = {
  root: "jobs",
  archived: { status: "archived" },
  since: "archived_at",
  keep: [
    {
      table: "finals",
      snapshot: { payload: "payload", sha256: "sha" },
      references: [{ path: "$.r[*]", table: "rounds", column: "id" }],
    },
  ],
  prune: [{ table: "rounds" }, { table: "images" }],
};

const inventoryOf = (policy: object, more: object = {}) =>
  parseInventory(Buffer.from(JSON.stringify({ ...more, retention: { jobs: policy } })));

test("what points goes before what it points at, and by the row that it belongs to", () => {
  const inventory = inventoryOf(GOOD);
  const [policy] = inventory.retention;
  if (policy === undefined) throw new Error("there is no policy");
  const { plan, problems, remarks } = checkRetention(policy, inventory, shapeOf());
  expect(problems).toEqual([]);
  expect(remarks).toEqual([expect.stringContaining('what "public"."views" points at by views_0 stays')]);
  expect(plan?.order).toEqual([[1], [0]]);
  expect(plan?.prune.map(({ goesWith }) => goesWith)).toEqual([undefined, { table: 0, hop: 1 }]);
});

test.each<[string, object, string]>([
  ["an unknown root", { root: "job" }, "retention.jobs.root: there is no table job"],
  ["a root without a key", { root: "events" }, "events has no primary key to name a record by"],
  ["an enum's unknown value", { archived: { status: "done" } }, '"done" is no value of public.status'],
  ["a boolean's unknown value", { archived: { done: "maybe" } }, '"maybe" is no value of boolean'],
  ["a time that is none", { since: "status" }, "not a timestamp or a date"],
  ["the root among what goes", { prune: [{ table: "jobs" }] }, "it is the root"],
  [
    "a table twice",
    { prune: [{ table: "rounds" }, { table: "public.rounds" }, { table: "images" }] },
    "it is there twice",
  ],
  [
    "a table without a key",
    { prune: [...GOOD.prune, { table: "keyless" }] },
    "no primary key to tell its rows by",
  ],
  ["a table that hangs on nothing", { prune: [...GOOD.prune, { table: "lonely" }] }, "INHERITS"],
  ["two ways to the root", { prune: [...GOOD.prune, { table: "twice" }] }, "say with by: the columns"],
  [
    "a way that is none",
    { prune: [...GOOD.prune, { table: "twice", by: ["id"] }] },
    "no foreign key of the columns id",
  ],
  [
    "a tie to what stays",
    { prune: [...GOOD.prune, { table: "twice", tiedTo: "finals" }] },
    "no row of finals is pruned",
  ],
  ["a table that is kept whole", { keep: [...GOOD.keep, { table: "rounds" }] }, "the whole of it is kept"],
  ["snapshots that go", { prune: [...GOOD.prune, { table: "finals" }] }, "snapshots are never pruned"],
  ["an unlisted cascade", { prune: [{ table: "rounds" }] }, "points at it with ON DELETE CASCADE (images_1)"],
  [
    "a reference by what is no name",
    {
      keep: [{ ...GOOD.keep[0], references: [{ path: "$.r", table: "rounds", column: "taken" }] }],
    },
    "not a text, a number or a uuid",
  ],
  [
    "an object of the wrong columns",
    { prune: [{ table: "rounds" }, { table: "images", object: { key: "round", bytes: "size" } }] },
    "the column round is bigint, not a text",
  ],
  [
    "a note that cannot be written",
    { note: { table: "events", columns: { job: "record" } } },
    "the column kind of events has to have a value",
  ],
])("%s is refused, with its place", async (_, change, told) => {
  const inventory = inventoryOf({ ...GOOD, ...change });
  const refusal = await refusalOf(() => assertRetention(inventory, shapeOf()));
  expect(refusal.code).toBe("RetentionRefused");
  expect(refusal.message).toContain("retention.jobs.");
  expect(refusal.message).toContain(told);
  expect(refusal.hint).toContain("docs/retention.md");
});

const MEDIA = {
  prune: [{ table: "rounds" }, { table: "images", object: { key: "key", prefix: "logs/old/" } }],
};
const table = { purpose: "it", classification: "internal", columns: {} };

test.each<[string, object, object, string]>([
  [
    "a prefix in one that is never deleted",
    MEDIA,
    { storage: [{ prefix: "logs/", keep: "never-delete" }] },
    "overlap",
  ],
  [
    "a prefix that holds one",
    MEDIA,
    { storage: [{ prefix: "logs/old/a/", keep: "never delete" }] },
    "overlap",
  ],
  [
    "objects of which no prefix is told",
    { prune: [{ table: "rounds" }, { table: "images", object: { key: "key" } }] },
    { storage: [{ prefix: "models/", keep: "never-delete, they are the product" }] },
    "say the prefix of its keys",
  ],
  [
    "a table whose entry says that it is never deleted",
    {},
    {
      owner: "us",
      tables: {
        ...Object.fromEntries(["jobs", "finals", "images"].map((name) => [name, table])),
        rounds: { ...table, retention: { keep: "never-delete" } },
      },
    },
    "its entry under tables says keep: never-delete",
  ],
  ["a table that is not declared", {}, { owner: "us", tables: { jobs: table } }, "declares no table rounds"],
  ["a word that is not known", { grace: "a while" }, {}, "retention.jobs.grace: a number and minutes"],
  [
    "a key that is not known",
    { prunes: [] },
    {},
    'retention.jobs.prunes: the key is not known, did you mean "prune"',
  ],
])("%s is refused when the release is made", async (_, change, more, told) => {
  const refusal = await refusalOf(() => inventoryOf({ ...GOOD, ...change }, more));
  expect(refusal.code).toBe("ConfigInvalid");
  expect(refusal.message).toContain(told);
  expect(refusal.hint).not.toBe("");
});
