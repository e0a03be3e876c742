/** `rehearsal query`: what a release's queries find, as a table or in a file. */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, rm } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command, Option } from "commander";
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import type { QueryFormat } from "../../core/query/formats.ts";
import type { Context, Declare, Outcome } from "../command.ts";
import { everyPage } from "../paging.ts";
import { type ListedQuery, type QueryResult, queries, queryResult } from "../query-answers.ts";
import { tableLines } from "../query-table.ts";
import { bytes, plain, rows, short } from "../text.ts";

const FORMATS = ["table", "csv", "spreadsheet", "json", "ndjson"] as const;

interface Options {
  environment: string;
  list?: true;
  param?: Record<string, string | string[]>;
  format?: (typeof FORMATS)[number];
  out?: string;
  limit?: number;
  release?: string;
}

export const queryCommand: Declare = (act) =>
  new Command("query")
    .description("Run one of a release's queries: a transaction that only reads, and is taken back")
    .argument("[query]", "the name of queries/NAME.sql; all are listed when left out")
    .requiredOption("--environment <environment>", "whose database is read")
    .option("--list", "what there is to ask, with the parameters")
    .option(
      "--param <name=value>",
      "a parameter; once more for another, or for another value of a list",
      collect,
    )
    .addOption(
      new Option(
        "--format <format>",
        "how; a table when left out, or what the file's name says. spreadsheet is CSV in which nothing is computed",
      ).choices([...FORMATS]),
    )
    .option("--out <file>", "write it there; what is there is never written over")
    .option("--limit <rows>", "rows at most, up to 1000000", wholeNumber)
    .option("--release <release>", "the queries of another release that is uploaded")
    .action(
      act(async (context, name: string | undefined, options: Options) =>
        name === undefined || options.list ? list(context, options) : run(context, name, options),
      ),
    );

/** What `--param name=value` gives so far, and one more. */
function collect(word: string, given: Options["param"] = {}): Options["param"] {
  const at = word.indexOf("=");
  if (at < 1) throw usage(`"${word}" is no parameter: it is written name=value`);
  const [name, value] = [word.slice(0, at), word.slice(at + 1)];
  const before = Object.hasOwn(given, name) ? given[name] : undefined;
  return { ...given, [name]: before === undefined ? value : [before, value].flat() };
}

function wholeNumber(word: string): number {
  if (!/^\d{1,9}$/.test(word)) throw usage(`"${word}" is no number of rows`);
  return Number(word);
}

async function list(context: Context, { environment, release }: Options): Promise<Outcome> {
  const client = await context.client();
  let of: string | null = null;
  const found = await everyPage(
    client,
    pathOf(environment),
    queries,
    (page) => {
      of = page.release;
      return page.queries;
    },
    release === undefined ? {} : { release },
  );
  const value = { environment, release: of, queries: found };
  if (of === null)
    return { value, text: `nothing was promoted to "${environment}" yet, and queries come with releases` };
  if (found.length === 0)
    return { value, text: `release ${short(of)} has no queries: they stand in queries/NAME.sql` };
  return { value, text: found.map(described).join("\n\n") };
}

function described({ name, description, parameters }: ListedQuery): string {
  const told = parameters.map(({ name, type, optional, default: usual, text }) => {
    const when =
      usual !== undefined ? `, ${usual || '""'} when left out` : optional ? ", may be left out" : "";
    return `  --param ${name}=…  ${type}${when}${text ? `: ${text}` : ""}`;
  });
  return plain(
    [
      name.replaceAll("\n", "\\n"),
      ...(description ? [`  ${description.replaceAll("\n", "\n  ")}`] : []),
      ...told,
    ].join("\n"),
  );
}

async function run(context: Context, name: string, options: Options): Promise<Outcome> {
  const { environment, param = {}, limit, release, out } = options;
  const path = out === undefined ? undefined : resolve(context.folder, out);
  const shown = options.format ?? (path === undefined ? (context.json ? "json" : "table") : byName(path));
  const format: QueryFormat = shown === "table" ? "rows" : shown;
  const client = await context.client();
  const answer = await client.post(
    `${pathOf(environment)}/${encodeURIComponent(name)}`,
    { parameters: param, format, ...(limit !== undefined && { limit }), ...(release && { release }) },
    queryResult,
  );
  const { content, download, ...facts } = answer;
  if (context.json && path === undefined) return { value: answer, text: "" };
  const text = proved(
    name,
    answer.sha256,
    download === null ? Readable.from([Buffer.from(content ?? "")]) : client.download(download.url),
  );
  const pieces =
    shown === "table"
      ? table(answer, text, path === undefined ? context.terminal.width : undefined)
      : decoded(text);
  if (path === undefined) {
    // A terminal would obey what stands in somebody's text.
    for await (const piece of pieces)
      await context.terminal.write(
        context.terminal.width === undefined ? piece : plain(piece.replaceAll("\r\n", "\n")),
      );
  } else await keep(path, pieces);
  context.terminal.err(summary(answer));
  return {
    value: { ...facts, path },
    text: path === undefined ? "" : `${plain(path)}: ${rows(answer.rows)}, ${bytes(answer.bytes)}`,
  };
}

function pathOf(environment: string): string {
  return `/environments/${encodeURIComponent(environment)}/queries`;
}

function byName(path: string): QueryFormat {
  const ending = extname(path).slice(1).toLowerCase();
  return ending === "json" || ending === "ndjson" ? ending : "csv";
}

/** Passes the bytes on; throws `ExportDamaged` at their end when they are not those that the service has written. */
async function* proved(query: string, sha256: string, source: AsyncIterable<Uint8Array>) {
  const hash = createHash("sha256");
  for await (const piece of source) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest("hex") !== sha256)
    throw new RehearsalError("ExportDamaged", { file: query, reason: "its sha256 differs" });
}

async function* decoded(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // The mark at the beginning is part of what was asked for.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const piece of source) yield decoder.decode(piece, { stream: true });
  yield decoder.decode();
}

const row = z.array(z.string().nullable());

async function* table(
  { columns }: QueryResult,
  source: AsyncIterable<Uint8Array>,
  width: number | undefined,
): AsyncGenerator<string> {
  const rowsOf = async function* () {
    let rest = "";
    for await (const text of decoded(source)) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield row.parse(JSON.parse(line));
    }
  };
  for await (const line of tableLines(columns, rowsOf(), width)) yield `${line}\n`;
}

/** Writes beside the file, and gives it its name when all is there; throws `OutputExists`. */
async function keep(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const partial = `${path}.${process.pid}.partial`;
  try {
    await pipeline(pieces, createWriteStream(partial, { flags: "wx" }));
    // Unlike a rename it refuses where something is.
    await link(partial, path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new RehearsalError("OutputExists", { path });
    if (error instanceof RehearsalError || code === undefined) throw error;
    throw new RehearsalError("InputInvalid", { what: "--out", problems: `${path}: ${message}` });
  } finally {
    await rm(partial, { force: true });
  }
}

function summary({ rows: count, truncated, milliseconds }: QueryResult): string {
  const told = `${rows(count)} in ${milliseconds} ms`;
  if (truncated === null) return told;
  return truncated === "rows"
    ? `${told}, and there are more: --limit ROWS asks for them`
    : `${told}, and there are more: a result has 256 MB at most`;
}

function usage(problem: string): RehearsalError {
  return new RehearsalError("UsageInvalid", { problem, command: "rehearsal query", guess: "" });
}
