/** Transactions at random over few keys, so that they meet: what is asked, and how a store is asked it. */
import * as fc from "fast-check";
import { RehearsalError } from "../../../core/errors.ts";
import type { Row, Store, Writer } from "../../../core/store/store.ts";
import type { Asked, Outcome } from "./plain-store.ts";

const of = <T>(...values: T[]) => fc.constantFrom(...values);
const users = of("u1", "u2", "ü/3");
// One has the name of a file that is there for another model, and one leads nowhere.
const chats = of("c1", "c2", "index", "../..");
const tags = of("t1", "t2");
const names = of("red", "blue", "green");
const messages = of("m1", "m2", "m3", "m4", "m5");
const bytes = of("", "AAEC", Buffer.from("picture").toString("base64"));

const rows: Record<string, fc.Arbitrary<Row>> = {
  User: fc.record({ id: users, email: of(null, "a@x", "b@x"), name: of("A", "B\u2028\n") }),
  Chat: fc.record({ id: chats, user_id: users, title: of(null, "", "title") }),
  Tag: fc.record({ id: tags, name: names }),
  ChatTag: fc.record({ chat_id: chats, tag: names, note: of(null, "note") }),
  Message: fc.record({
    id: messages,
    chat_id: chats,
    position: of(1, 2, 3),
    reply_to: fc.oneof(fc.constant(null), messages),
    body: of("hello", "x".repeat(300)),
  }),
  Image: fc.record({
    number: of(1, 2, 10),
    chat_id: fc.oneof(fc.constant(null), chats),
    data: bytes,
    about: of<Row[string]>(null, { a: [1, { b: null }] }, "text"),
  }),
};

const keys: Record<string, readonly string[]> = {
  ...{
    User: ["id"],
    Chat: ["id"],
    Tag: ["id"],
    ChatTag: ["chat_id", "tag"],
    Message: ["id"],
    Image: ["number"],
  },
};

const indexes: Record<string, readonly (readonly string[])[]> = {
  ...{ User: [[], ["email"]], Chat: [[], ["user_id"]], Tag: [["name"]], Image: [[], ["chat_id"]] },
  ...{
    ChatTag: [["chat_id"], ["tag"], ["chat_id", "tag"]],
    Message: [["chat_id"], ["reply_to"], ["chat_id", "position"]],
  },
};

const asked: fc.Arbitrary<Asked> = fc
  .constantFrom(...Object.keys(rows), "Message", "Message", "Chat")
  .chain((model) => {
    const row: fc.Arbitrary<Row> = rows[model] ?? fc.constant({});
    const pick = (columns: readonly string[]) =>
      row.map((one) => Object.fromEntries(columns.map((column) => [column, one[column] ?? null])));
    const key = pick(keys[model] ?? []);
    const by = fc.constantFrom(...(indexes[model] ?? [[]])).chain(pick);
    return fc.oneof(
      { weight: 6, arbitrary: row.map((row): Asked => ({ ask: "put", model, row })) },
      { weight: 2, arbitrary: row.map((row): Asked => ({ ask: "append", model, row })) },
      { weight: 3, arbitrary: key.map((key): Asked => ({ ask: "delete", model, key })) },
      { weight: 1, arbitrary: key.map((key): Asked => ({ ask: "get", model, key })) },
      { weight: 2, arbitrary: by.map((by): Asked => ({ ask: "list", model, by })) },
      { weight: 1, arbitrary: fc.constant<Asked>({ ask: "count", model }) },
    );
  });

/** Rows that most others may refer to, so that little is refused. */
const ground: Asked[] = [
  ...["u1", "u2"].map((id): Asked => ({ ask: "put", model: "User", row: { id, email: null, name: id } })),
  ...["c1", "index"].map(
    (id): Asked => ({ ask: "put", model: "Chat", row: { id, user_id: "u1", title: null } }),
  ),
  { ask: "put", model: "Tag", row: { id: "t1", name: "red" } },
];

export const transactions = fc
  .array(fc.array(asked, { minLength: 1, maxLength: 3 }), { minLength: 4, maxLength: 14 })
  .map((all): Asked[][] => [ground, ...all]);

/** Asks a store for all of it in one transaction. What a row's order in a list is, the list tells. */
export function ask(store: Store, all: readonly Asked[]): Promise<Outcome> {
  return outcomeOf(() => store.transaction((tx) => answers(tx, all)));
}

export async function outcomeOf(work: () => Promise<unknown[]>): Promise<Outcome> {
  try {
    return { answers: await work() };
  } catch (error) {
    if (!(error instanceof RehearsalError) || error.code === "StoreBusy") throw error;
    return { refused: error.code };
  }
}

export async function answers(tx: Writer, all: readonly Asked[]): Promise<unknown[]> {
  const given: unknown[] = [];
  for (const one of all) {
    if (one.ask === "put" || one.ask === "append") given.push(await tx[one.ask](one.model, one.row));
    else if (one.ask === "list") given.push((await tx.list(one.model, one.by)).rows);
    else if (one.ask === "count") given.push(await tx.count(one.model));
    else given.push(await tx[one.ask](one.model, one.key));
  }
  return given;
}
