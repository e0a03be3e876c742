/** Stores beside an oracle: whatever is asked of them, one after the other or at once, by one process or several handles. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RehearsalError } from "../../core/errors.ts";
import type { Row, Store, Writer } from "../../core/store/store.ts";
import { openStore } from "../../store/open-store.ts";
import { type Call, EMPTY, Refused, rowsOf, type State, transact } from "./oracle.ts";
import { allRows, BACKENDS, startWorld, type World } from "./world.ts";

/** Of each property on each backend; 1,000 were run when this was written. */
const RUNS = Number(process.env.REHEARSAL_STORE_RUNS ?? 4);

const AUTHORS = ["a", "b", "nobody"];
const BOOKS = ["1", "2", "10"];
const TAGS = ["0b2f0c1e-1111-4222-8333-444455556666", "9b2f0c1e-1111-4222-8333-444455556666"];
const NUMBERS = [1, 2, 10];

const among = <T>(values: readonly T[]) => fc.constantFrom(...values);
const id = among(NUMBERS);

/** Rows, few enough to meet. */
const drawnRow: Record<string, fc.Arbitrary<Row>> = {
  Author: fc.record({ id: among(AUTHORS), email: among(["x", "y", "z"]), name: among([null, "n"]) }),
  Book: fc.record({
    id: among(BOOKS),
    code: among(["c", "d"]),
    author_id: among(AUTHORS),
    editor_id: among([null, ...AUTHORS]),
    title: among([null, "T", "t"]),
  }),
  Loan: fc.record({ id, book_code: among(["c", "d"]) }),
  Tag: fc.record({ id: among(TAGS), label: among(["l", "m"]) }),
  BookTag: fc.record({ book_id: among(BOOKS), tag_id: among(TAGS) }),
  Node: fc.record({ id, parent_id: among([null, ...NUMBERS]) }),
  Home: fc.record({ id, author_id: among([null, ...AUTHORS]) }),
  Counter: fc.record({ id: among(["a", "b"]), value: among(["0", "1", "2"]) }),
};

const KEYS: Record<string, string[]> = { BookTag: ["book_id", "tag_id"] };

/** By what a list may be asked of each, besides everything. */
const INDEXES: Record<string, string> = {
  ...{
    Author: "email",
    Book: "title",
    Loan: "book_code",
    BookTag: "tag_id",
    Node: "parent_id",
    Home: "author_id",
  },
};

const MODELS = Object.keys(drawnRow);

const drawnCall: fc.Arbitrary<Call> = among(MODELS).chain((model) =>
  fc
    .record({
      op: fc.oneof(
        { weight: 6, arbitrary: fc.constant("put" as const) },
        ...(["append", "delete", "get", "list", "count"] as const).map((op) => ({
          ...{ weight: 2, arbitrary: fc.constant(op) },
        })),
      ),
      row: drawnRow[model] ?? fc.constant({}),
      indexed: fc.boolean(),
    })
    .map(({ op, row, indexed }): Call => {
      if (op === "put" || op === "append") return { op, model, row };
      if (op === "get" || op === "delete") return { op, model, key: only(row, KEYS[model] ?? ["id"]) };
      const index = INDEXES[model];
      return op === "count" ? { op, model } : { op, model, by: indexed && index ? only(row, [index]) : {} };
    }),
);

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.stop());

describe.for(BACKENDS)("%s", (name) => {
  test("what a store answers, and refuses, is what plain maps do", async () => {
    const store = await openStore(await world.empty(name));
    const transactions = fc.array(fc.array(drawnCall, { minLength: 1, maxLength: 4 }), {
      ...{ minLength: 1, maxLength: 12 },
    });
    await fc.assert(
      fc.asyncProperty(transactions, async (drawn) => {
        await emptied(store);
        let state: State = EMPTY;
        for (const calls of drawn) {
          const [expected, told] = [attempted(state, calls), await asked(store, calls)];
          expect(told, JSON.stringify(calls)).toEqual(expected.told);
          state = expected.state;
        }
        await expectState(store, state);
      }),
      { numRuns: RUNS },
    );
    await store.close();
  }, 3_000_000);

  test("what is asked at once is answered as if it were asked in some order", async () => {
    const options = await world.empty(name);
    const stores = [await openStore(options), await openStore({ ...options, create: false })] as const;
    const transactions = fc.array(fc.array(drawnCall, { minLength: 1, maxLength: 3 }), {
      ...{ minLength: 2, maxLength: 4 },
    });
    await fc.assert(
      fc.asyncProperty(transactions, transactions, async (before, drawn) => {
        await emptied(stores[0]);
        let state: State = EMPTY;
        for (const calls of before) {
          await asked(stores[0], calls);
          state = attempted(state, calls).state;
        }
        const told = await Promise.all(drawn.map((calls, at) => asked(stores[at % 2 ? 1 : 0], calls)));
        const actual = await stateOf(stores[1]);
        const inSomeOrder = orders(drawn.length).some((order) => {
          let here = state;
          return (
            order.every((at) => {
              const expected = attempted(here, drawn[at] ?? []);
              here = expected.state;
              return same(expected.told, told[at]);
            }) && same(listed(here), actual)
          );
        });
        expect(inSomeOrder, JSON.stringify({ before, drawn, told, actual })).toBe(true);
      }),
      { numRuns: RUNS },
    );
    for (const store of stores) await store.close();
  }, 3_000_000);
});

type Told = { answers: unknown[] } | { refused: string };

function attempted(state: State, calls: readonly Call[]): { state: State; told: Told } {
  try {
    const { state: after, answers } = transact(state, calls);
    return { state: after, told: { answers } };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { state, told: { refused: error.code } };
  }
}

/** A single call alone, several in a transaction. */
async function asked(store: Store, calls: readonly Call[]): Promise<Told> {
  try {
    const [first, ...others] = calls;
    if (first !== undefined && others.length === 0) return { answers: [await answer(store, first)] };
    return await store.transaction(async (tx) => {
      const answers: unknown[] = [];
      for (const call of calls) answers.push(await answer(tx, call));
      return { answers };
    });
  } catch (error) {
    if (!(error instanceof RehearsalError)) throw error;
    return { refused: error.code };
  }
}

async function answer(writer: Writer, call: Call): Promise<unknown> {
  if (call.op === "put" || call.op === "append") return writer[call.op](call.model, call.row);
  if (call.op === "get" || call.op === "delete") return writer[call.op](call.model, call.key);
  return call.op === "count" ? writer.count(call.model) : (await writer.list(call.model, call.by)).rows;
}

/** By the store's own means, children first. */
async function emptied(store: Store): Promise<void> {
  await store.transaction(async (tx) => {
    for (const row of await allRows(tx, "Node")) await tx.put("Node", { ...row, parent_id: null });
    for (const model of [...MODELS].reverse())
      for (const row of await allRows(tx, model)) await tx.delete(model, only(row, KEYS[model] ?? ["id"]));
  });
}

async function expectState(store: Store, state: State): Promise<void> {
  expect(await stateOf(store)).toEqual(listed(state));
}

async function stateOf(store: Store): Promise<Record<string, Row[]>> {
  const models = await Promise.all(
    MODELS.map(async (model) => [model, await allRows(store, model)] as const),
  );
  return Object.fromEntries(models);
}

function listed(state: State): Record<string, Row[]> {
  return Object.fromEntries(MODELS.map((model) => [model, rowsOf(state, model)]));
}

function only(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.map((name) => [name, row[name] ?? null]));
}

/** Of the numbers below `count`. */
function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => [...order.slice(0, at), count - 1, ...order.slice(at)]),
  );
}

/** Of what was asked for and may be undefined. */
function same(one: unknown, other: unknown): boolean {
  const text = (value: unknown) => JSON.stringify(value, (_, inner: unknown) => inner ?? null);
  return text(sorted(one)) === text(sorted(other));
}

/** Columns in one order, for a backend may have another. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
