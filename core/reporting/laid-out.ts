/** A document with its payload filled in: plain texts in their order, which every format draws in its own way. */
import { valuesAt } from "../json-path.ts";
import type { ContentBlock, DocumentDefinition } from "./definition.ts";
import { numberText } from "./exact-json.ts";
import { templatePieces } from "./template.ts";

export type LaidBlock =
  | { heading: string }
  | { paragraph: string }
  | { facts: { label: string; value: string }[] }
  | { list: string[] }
  | { table: { titles: string[]; rows: string[][] } };

export interface LaidDocument {
  title: string;
  language: string;
  blocks: LaidBlock[];
}

/** What stands where the payload has nothing. */
const NOTHING = "–";

/** Fills the definition's templates from a payload that `parseExact` has read. */
export function layOut({ document }: DocumentDefinition, payload: unknown): LaidDocument {
  return {
    title: filled(document.title, payload),
    language: document.language,
    blocks: document.content.map((block) => laid(block, payload)),
  };
}

function laid(block: ContentBlock, payload: unknown): LaidBlock {
  if ("heading" in block) return { heading: filled(block.heading, payload) };
  if ("paragraph" in block) return { paragraph: filled(block.paragraph, payload) };
  if ("facts" in block)
    return { facts: block.facts.map(({ label, value }) => ({ label, value: filled(value, payload) })) };
  if ("list" in block) {
    const { of, text } = block.list;
    return { list: itemsAt(payload, of).map((item) => filled(text, item)) };
  }
  const { of, columns } = block.table;
  return {
    table: {
      titles: columns.map(({ title }) => title),
      rows: itemsAt(payload, of).map((item) => columns.map(({ value }) => filled(value, item))),
    },
  };
}

/** What is to be repeated: `$.rounds` and `$.rounds[*]` are the same rounds. */
function itemsAt(payload: unknown, path: string): unknown[] {
  const found = valuesAt(payload, path);
  const [only, second] = found;
  return second === undefined && Array.isArray(only) ? only : found;
}

function filled(template: string, payload: unknown): string {
  return templatePieces(template)
    .map((piece) => ("text" in piece ? piece.text : wordsOf(valuesAt(payload, piece.path))))
    .join("");
}

function wordsOf(values: readonly unknown[]): string {
  const texts = values.filter((value) => value !== null && value !== undefined).map(textOf);
  return texts.length === 0 ? NOTHING : texts.join(", ");
}

function textOf(value: unknown): string {
  if (typeof value === "string") return visible(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return numberText(value) ?? visible(JSON.stringify(value));
}

/** Characters that a reader does not see, or that turn around what he sees. */
const UNSEEN = /[^\P{Cc}\n]|[\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]/gu;

/** Text as it can be printed: what would not be seen is named, tabs are blanks, and every line end is one. */
function visible(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replaceAll("\t", " ")
    .replace(UNSEEN, (one) => `[U+${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`);
}
