/** Pages of a list, one way for all: `limit` and `cursor` in, the entries and `next` out, null at the end. */
import { z } from "@hono/zod-openapi";
import { limit } from "./answer.ts";

/** An entry more than was asked for tells that there is a next page. */
const MORE = 1;

/**
 * The pages of one list. A cursor is opaque, names the last entry that was told and the list that it is of, and so
 * stays good when entries come in ahead of it.
 *
 * @example
 * const pages = pagesOf("tasks", taskId);
 * request: { query: z.object({ ...pages.query }) }
 * const { limit, cursor } = c.req.valid("query");
 * return pages.answer(await listTasks(ledger, { limit: pages.rows(limit), before: cursor }), limit, ({ id }) => id);
 */
export function pagesOf(list: string, position: z.ZodType<string>) {
  const head = `${list}:`;
  const cursor = z
    .string()
    .max(2_000)
    .transform((text, context) => {
      const plain = Buffer.from(text, "base64url");
      const named = plain.toString();
      const is = position.safeParse(named.slice(head.length));
      // What is not written as this service writes it was not given out by it.
      if (plain.toString("base64url") === text && named.startsWith(head) && is.success) return is.data;
      context.addIssue({
        code: "custom",
        message: `it is not a cursor of ${list}; take "next" of an answer`,
      });
      return z.NEVER;
    })
    .optional()
    .openapi({ type: "string", description: "`next` of the page before; the first page when left out" });
  return {
    /** What the query of such a list takes. */
    query: { limit, cursor },
    /** How many rows to ask the ledger for. */
    rows: (wanted: number) => wanted + MORE,
    /** The entries of the page, and the cursor of the next. */
    cut: <T>(found: readonly T[], wanted: number, at: (entry: T) => string) => {
      const entries = found.slice(0, wanted);
      const last = entries.at(-1);
      const more = found.length > wanted && last !== undefined;
      return { entries, next: more ? Buffer.from(head + at(last)).toString("base64url") : null };
    },
  };
}

/** In the answer of a list: where its next page begins. */
export const next = z
  .string()
  .nullable()
  .openapi({ description: "The cursor of the next page; null at the end" });

/** The page of a list that is at hand whole, in the order of its positions. */
export function pageOf<T>(
  all: readonly T[],
  after: string | undefined,
  rows: number,
  at: (entry: T) => string,
) {
  const begin = after === undefined ? 0 : all.findIndex((entry) => at(entry) === after) + 1;
  return all.slice(begin, begin + rows);
}
