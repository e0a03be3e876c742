/** What several sessions make at once: nothing before what it depends on, nothing beside what it could deadlock with, and everything once. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ArchiveEntry } from "../../core/archive.ts";
import { RestoreSchedule } from "../../core/restore-schedule.ts";

let ids = 0;
function entry(kind: string, dependencies: ArchiveEntry[] = [], definition = `make ${kind}`): ArchiveEntry {
  return {
    ...{ id: ++ids, oid: "0", kind, tag: `${kind} ${ids}`, schema: "s", section: "post-data", definition },
    ...{ drop: "", copy: "", owner: "", tablespace: "", accessMethod: "", relationKind: "" },
    dependencies: dependencies.map(({ id }) => id),
  };
}

/** What is handed out at once. */
function handedOut(schedule: RestoreSchedule): ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  for (let next = schedule.next(); next !== undefined; next = schedule.next()) entries.push(next);
  return entries;
}

/** The waves in which all is made when each wave ends as one. */
function waves(entries: ArchiveEntry[], all: ArchiveEntry[], weights = new Map<number, number>()) {
  const schedule = new RestoreSchedule(entries, [...all, ...entries], weights);
  const found: ArchiveEntry[][] = [];
  while (!schedule.over) {
    const wave = handedOut(schedule);
    if (wave.length === 0) throw new Error("nothing is being made and nothing can be");
    for (const made of wave) schedule.done(made);
    found.push(wave);
  }
  return found;
}

test("indexes of one table are made together, its constraints one by one and before those that refer to them", () => {
  const [orders, items] = [entry("TABLE"), entry("TABLE")];
  const key = entry("CONSTRAINT", [orders]);
  const unique = entry("CONSTRAINT", [orders]);
  const [one, other] = [entry("INDEX", [orders]), entry("INDEX", [orders])];
  const reference = entry("FK CONSTRAINT", [items, orders, key]);
  const all = [key, unique, one, other, reference];
  expect(waves(all, [orders, items])).toEqual([[key], [unique], [one, other], [reference]]);
});

test("what locks in no known way is made alone, when nothing long is left to be made before it", () => {
  const [table, view] = [entry("TABLE"), entry("MATERIALIZED VIEW")];
  const trigger = entry("TRIGGER", [table]);
  const [index, second] = [entry("INDEX", [table]), entry("INDEX", [view])];
  const comment = entry("COMMENT", [index]);
  const unknown = entry("INDEX");
  expect(waves([trigger, index, comment, second, unknown], [table, view])).toEqual([
    [index, second],
    [trigger],
    [comment],
    [unknown],
  ]);
});

test("an index that is followed by a change of its table has the table to itself", () => {
  const table = entry("TABLE");
  const plain = entry("INDEX", [table]);
  const clustered = entry("INDEX", [table], "CREATE INDEX i ON t (a);\n\nALTER TABLE t CLUSTER ON i;\n");
  expect(waves([plain, clustered], [table])).toEqual([[plain], [clustered]]);
});

test("keys of partitions are made together, a parent's with none of its descendants'", () => {
  const parent = entry("TABLE");
  const [one, other] = [entry("TABLE", [parent]), entry("TABLE", [parent])];
  const grandchild = entry("TABLE", [other]);
  const [a, b] = [entry("CONSTRAINT", [one]), entry("CONSTRAINT", [grandchild])];
  const index = entry("INDEX", [one]);
  const whole = entry("CONSTRAINT", [parent]);
  expect(waves([a, b, index, whole], [parent, one, other, grandchild])).toEqual([[a, b], [index], [whole]]);
});

test("the largest table goes first, and the archive's order decides between equals", () => {
  const tables = [entry("TABLE"), entry("TABLE"), entry("TABLE")];
  const indexes = tables.map((table) => entry("INDEX", [table]));
  const weights = new Map(tables.map(({ id }, place) => [id, [1, 5, 5][place] ?? 0]));
  const [small, large, alike] = indexes;
  expect(waves(indexes, tables, weights)).toEqual([[large, alike, small]]);
});

test("an index is built when its table is full, and what may look elsewhere when all are", () => {
  const [full, coming, other] = [entry("TABLE"), entry("TABLE"), entry("TABLE")];
  const [rows, others] = [entry("TABLE DATA", [coming]), entry("TABLE DATA", [other])];
  const early = entry("INDEX", [full], "CREATE INDEX i ON s.t USING btree (a, b DESC) INCLUDE (c);\n");
  const key = entry(
    "CONSTRAINT",
    [coming],
    'ALTER TABLE ONLY s."t (1)"\n    ADD CONSTRAINT "k()" PRIMARY KEY ("a (b)");\n',
  );
  const reference = entry("FK CONSTRAINT", [full, coming, key]);
  const computed = entry("INDEX", [full], "CREATE INDEX e ON s.t USING btree (lower(a));\n");
  const partial = entry("INDEX", [full], "CREATE INDEX p ON s.t USING btree (a) WHERE s.wanted(b);\n");
  const trigger = entry("TRIGGER", [full]);
  const entries = [early, key, reference, computed, partial, trigger];
  const schedule = new RestoreSchedule(
    entries,
    [full, coming, other, rows, others, ...entries],
    new Map(),
    new Set([rows.id, others.id]),
  );
  const make = () => {
    const made = handedOut(schedule);
    for (const one of made) schedule.done(one);
    return made;
  };
  expect(make()).toEqual([early]);
  schedule.filled(rows.id);
  expect([make(), make(), make()]).toEqual([[key], [reference], []]);
  expect(schedule.over).toBe(false);
  schedule.filled(others.id);
  expect([make(), make()]).toEqual([[computed, partial], [trigger]]);
  expect(schedule.over).toBe(true);
});

test("what is built on a parent or a partition waits for the rows of the whole family", () => {
  const parent = entry("TABLE");
  const [one, other] = [entry("TABLE", [parent]), entry("TABLE", [parent])];
  const [rows, others] = [entry("TABLE DATA", [one]), entry("TABLE DATA", [other])];
  const index = entry("INDEX", [one], "CREATE INDEX i ON s.one USING btree (a);\n");
  const schedule = new RestoreSchedule(
    [index],
    [parent, one, other, rows, others, index],
    new Map(),
    new Set([rows.id, others.id]),
  );
  schedule.filled(rows.id);
  expect(handedOut(schedule)).toEqual([]);
  schedule.filled(others.id);
  expect(handedOut(schedule)).toEqual([index]);
});

/** Kinds and numbers, made into an archive: tables that may descend from earlier ones, then entries that depend on anything, even on what comes later or is not there. */
const archives = fc.record({
  tables: fc.array(fc.option(fc.nat(20), { nil: undefined }), { minLength: 1, maxLength: 12 }),
  entries: fc.array(
    fc.record({
      kind: fc.constantFrom("INDEX", "CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "TRIGGER", "COMMENT"),
      tables: fc.array(fc.nat(20), { maxLength: 3 }),
      others: fc.array(fc.nat(60), { maxLength: 3 }),
    }),
    { maxLength: 40 },
  ),
  sessions: fc.integer({ min: 1, max: 6 }),
  ends: fc.array(fc.nat(), { minLength: 1, maxLength: 80 }),
});

test("whatever the archive and whoever is done first: each once, in order, and no two that could deadlock", () => {
  fc.assert(
    fc.property(archives, (made) => {
      const tables = made.tables.map(() => entry("TABLE"));
      const pick = <T>(list: T[], place: number) => list[place % list.length] as T;
      for (const [place, elder] of made.tables.entries())
        if (elder !== undefined && place > 0)
          tables[place]?.dependencies.push(pick(tables.slice(0, place), elder).id);
      const entries = made.entries.map(({ kind, tables: on }) =>
        entry(kind, kind === "COMMENT" ? [] : on.map((place) => pick(tables, place))),
      );
      for (const [place, { others }] of made.entries.entries())
        entries[place]?.dependencies.push(...others.map((other) => entries[other]?.id ?? 1e9 + other));
      const weights = new Map(tables.map(({ id }) => [id, id % 3]));
      const schedule = new RestoreSchedule(entries, [...tables, ...entries], weights);
      const place = new Map(entries.map(({ id }, index) => [id, index]));
      const before = (one: ArchiveEntry, id: number) => (place.get(id) ?? -1) < (place.get(one.id) ?? 0);
      const done = new Set<number>();
      const running: ArchiveEntry[] = [];
      for (let turn = 0; !schedule.over; turn++) {
        while (running.length < made.sessions) {
          const next = schedule.next();
          if (next === undefined) break;
          for (const id of next.dependencies)
            if (place.has(id) && before(next, id)) expect(done.has(id)).toBe(true);
          for (const other of running) expect(mayDeadlock(next, other, tables)).toBe(false);
          expect(running).not.toContain(next);
          running.push(next);
        }
        expect(running.length).toBeGreaterThan(0);
        const [ended] = running.splice(pick(made.ends, turn) % running.length, 1);
        if (ended === undefined) throw new Error("something was running");
        expect(done.has(ended.id)).toBe(false);
        done.add(ended.id);
        schedule.done(ended);
      }
      expect(done.size).toBe(entries.length);
      expect(schedule.next()).toBeUndefined();
    }),
    { numRuns: 500 },
  );
});

/** Told apart from the schedule's own reckoning: the sets of tables that Postgres may lock, a parent's with all below it. */
function mayDeadlock(one: ArchiveEntry, other: ArchiveEntry, tables: ArchiveEntry[]): boolean {
  const [mine, theirs] = [one, other].map((made) => locked(made, tables));
  if (mine === undefined || theirs === undefined) return true;
  const meet = [...mine].some((id) => theirs.has(id));
  return meet && !(one.kind === "INDEX" && other.kind === "INDEX");
}

/** Undefined when nobody knows. */
function locked({ kind, dependencies }: ArchiveEntry, tables: ArchiveEntry[]): Set<number> | undefined {
  const found = new Set(dependencies.filter((id) => tables.some((table) => table.id === id)));
  if (!/INDEX|CONSTRAINT/.test(kind) || found.size === 0) return undefined;
  if (kind === "INDEX") return found;
  for (const table of tables) if (table.dependencies.some((id) => found.has(id))) found.add(table.id);
  return found;
}
