/** The queries of an environment: listed, asked by a form, and what they found, on the page or as a file. */
import * as z from "zod";
import { may } from "../../core/access.ts";
import { RehearsalError } from "../../core/errors.ts";
import type { Query } from "../../core/query/file.ts";
import { QUERY_FORMATS, type QueryFormat } from "../../core/query/formats.ts";
import { QUERY_ROWS } from "../../core/query/request.ts";
import { type Environment, readEnvironment } from "../../io/ledger/environments.ts";
import { type QueryView, queriesView, queryView } from "../../web/console/queries.ts";
import { guard } from "../api/access.ts";
import { allow } from "../api/request.ts";
import { askLook } from "../ask-look.ts";
import { artifacts } from "../clients.ts";
import { findQuery, readQueries } from "../queries.ts";
import { permissionToQuery } from "../query-access.ts";
import type { QueryAnswer } from "../query-run.ts";
import { formOf, NAME, optional } from "./doors.ts";
import { formSecret, type PageContext, pages } from "./request.ts";
import { attempt, show } from "./show.ts";

/** Rows that a page shows. */
const SHOWN = 200;

/** Fields of parameters begin with "p.", so that none is taken for one of the form's own. */
const PARAMETER = "p.";

const form = z
  .object({
    as: z.enum(QUERY_FORMATS).default("rows"),
    rows: optional(z.coerce.number().int().min(1).max(QUERY_ROWS.most)),
  })
  .catchall(z.string());

export const queryPages = pages()
  .get(`/environments/${NAME}/queries`, guard({ permission: "read", of: "environment" }), async (c) => {
    const { environment, release, queries } = await read(c);
    const main = queriesView({
      environment,
      release,
      queries: queries.map(shownQuery),
      mayRun: await mayRun(c),
    });
    return show(c, { title: `Queries of ${environment.name}`, main });
  })
  .get(`/environments/${NAME}/queries/:query`, guard({ permission: "read", of: "environment" }), (c) =>
    queryPage(c, {}),
  )
  .post(`/environments/${NAME}/queries/:query`, async (c) => {
    const name = c.req.param("name");
    allow(c, await permissionToQuery(c.var.ledger, c.var.actor, name), name);
    let typed: Record<string, string> = {};
    return attempt(
      c,
      async () => {
        const { as, rows, csrf: _, ...fields } = await formOf(c, form);
        typed = { ...fields, ...(rows !== undefined && { rows: String(rows) }) };
        const { query } = await readOne(c);
        const answer = await askLook("query", {
          ...{ environment: name, query: query.name, person: c.var.person, format: as },
          parameters: given(query, fields),
          limit: as === "rows" ? SHOWN : rows,
        });
        if (as === "rows") return queryPage(c, { typed, result: shownResult(answer) });
        const file = fileName(answer.query, as);
        if (answer.content !== null)
          return c.body(answer.content, 200, {
            "content-type":
              as === "ndjson" || as === "json" ? "application/x-ndjson" : "text/csv; charset=utf-8",
            "content-disposition": `attachment; filename="${file}"`,
          });
        // A form may not lead to the bucket, so a link does.
        const { rows: count, bytes } = answer;
        const url = answer.download?.url ?? "";
        return queryPage(c, { typed, file: { url, name: file, rows: count, bytes } });
      },
      (refused) => queryPage(c, { typed, ...refused }),
    );
  });

async function read(
  c: PageContext,
): Promise<{ environment: Environment; release: string | null; queries: Query[] }> {
  const ledger = await c.var.ledger();
  const environment = await readEnvironment(ledger, c.req.param("name") ?? "");
  return { environment, ...(await readQueries(ledger, artifacts(), environment)) };
}

async function readOne(c: PageContext) {
  const { environment, ...of } = await read(c);
  return { environment, ...findQuery(of, c.req.param("query") ?? "", environment.name) };
}

/** Whoever may not is told so, and not refused. */
async function mayRun(c: PageContext): Promise<boolean> {
  const name = c.req.param("name") ?? "";
  return may(c.var.actor, await permissionToQuery(c.var.ledger, c.var.actor, name), name);
}

async function queryPage(
  c: PageContext,
  told: Partial<Pick<QueryView, "typed" | "result" | "file" | "refusal">> & { status?: number },
): Promise<Response> {
  const { environment, query, release } = await readOne(c);
  const { typed = {}, result, file, refusal, status } = told;
  const main = queryView({
    ...{ environment, release, typed, result, file, refusal },
    ...{ query: shownQuery(query), mayRun: await mayRun(c), csrf: formSecret(c) },
  });
  return show(c, { title: `${query.name} of ${environment.name}`, main, status });
}

function shownQuery({ name, description, parameters, limit, text }: Query) {
  return { name, description, parameters, limit, text };
}

/** What the fields give; one that is empty is left out, unless it is a text without any other meaning. */
function given({ parameters }: Query, fields: Readonly<Record<string, unknown>>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name, type, optional, default: usual } of parameters) {
    const value = fields[PARAMETER + name];
    const empty = type === "text" && !optional && usual === undefined;
    if (typeof value === "string" && (value !== "" || empty)) values[name] = value;
  }
  return values;
}

const row = z.array(z.string().nullable());

function shownResult({ columns, content, truncated, milliseconds }: QueryAnswer): QueryView["result"] {
  // 200 rows may be large as well, and a page of 4 MB is nobody's.
  if (content === null) throw new RehearsalError("AnswerTooLarge", { what: "what the query found" });
  const rows = content
    .split("\n")
    .slice(0, -1)
    .map((line) => row.parse(JSON.parse(line)));
  return { columns, rows, more: truncated !== null, milliseconds };
}

/** A query's name may hold anything, and a header's may not. */
function fileName(query: string, format: QueryFormat): string {
  const ending = format === "ndjson" || format === "json" ? format : "csv";
  return `${query.replaceAll(/[^\w.-]+/g, "_")}.${ending}`;
}
