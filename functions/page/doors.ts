/** The console's doors: queries and forms are parsed once, and refused as the API refuses them. */
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import { environmentName, limit } from "../api/answer.ts";
import { describeIssue } from "../api/problem.ts";
import { formValues } from "./foreign.ts";
import type { PageContext } from "./request.ts";

/** What of a path fits a name or an id; anything else is no page. */
export const NAME = ":name{[a-z0-9][a-z0-9-]{0,39}}";
export const ID = ":id{[a-z0-9]+(?:-[a-z0-9]+)*}";

/** Fields that are left empty in a form are not there. */
const emptied = z.literal("").transform(() => undefined);

export const optional = <S extends z.ZodType>(schema: S) => z.union([emptied, schema]).optional();

/** A box that was ticked. */
export const ticked = z
  .literal("yes")
  .optional()
  .transform((value) => value !== undefined);

/** What a form carries so that a second press finds what the first has started. */
export const once = z.string().regex(/^[a-z0-9-]{1,100}$/, "it is not this page's");

export const listQuery = z.object({ environment: optional(environmentName) });

/** Rows of a page of a list; one more tells that there is a further one. */
export const ROWS = limit.parse(undefined);

/** The query of a page; throws `InputInvalid`. */
export function queryOf<S extends z.ZodType>(c: PageContext, schema: S): z.output<S> {
  return through(schema, c.req.query(), "the query");
}

/** The fields of a form; throws `InputInvalid`. */
export async function formOf<S extends z.ZodType>(c: PageContext, schema: S): Promise<z.output<S>> {
  return through(schema, await formValues(c), "the form");
}

function through<S extends z.ZodType>(schema: S, value: Record<string, string>, what: string): z.output<S> {
  const nul = Object.entries(value).find(([, text]) => text.includes("\0"));
  if (nul !== undefined)
    throw new RehearsalError("InputInvalid", { what, problems: `${nul[0]}: it holds the character U+0000` });
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RehearsalError("InputInvalid", {
    what,
    problems: parsed.error.issues.map(describeIssue).join("; "),
  });
}

/** The rows of a page, and where the next begins. */
export function cut<T>(found: readonly T[], at: (row: T) => string): { rows: T[]; next?: string } {
  const rows = found.slice(0, ROWS);
  const last = rows.at(-1);
  return { rows, ...(found.length > ROWS && last !== undefined && { next: at(last) }) };
}
