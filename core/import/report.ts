/** What an import tells: a line for each record that was refused, for what does not agree, and for files that nobody read; and the whole in numbers. */
import { shownName } from "./file-name.ts";
import type { Disagreement } from "./record.ts";
import { hintOf, type Refusal } from "./refused.ts";

export type ReportLine =
  | {
      kind: "refused";
      /** The record's folder. */
      record: string;
      path: string;
      at: string;
      code: string;
      reason: string;
      hint: string;
    }
  | { kind: "disagreement"; record: string; what: string; values: Disagreement["values"] }
  | { kind: "unread"; path: string; reason: string };

/** Names are shown as they cannot deceive; see `shownName`. */
export function refusedLine(record: string, refusal: Refusal): ReportLine {
  const { code, path, at, reason } = refusal;
  return {
    ...{ kind: "refused", record: shownName(record), path: shownName(path), at, code },
    ...{ reason: shownText(reason), hint: hintOf(refusal) },
  };
}

export function disagreementLine(record: string, { what, values }: Disagreement): ReportLine {
  const shown = values.map((one) => ({ ...one, path: shownName(one.path) }));
  return { kind: "disagreement", record: shownName(record), what, values: shown };
}

export function unreadLine(path: string, reason: string): ReportLine {
  return { kind: "unread", path: shownName(path), reason: shownText(reason) };
}

function shownText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);
}

interface SetCounts {
  inserted: number;
  updated: number;
  unchanged: number;
}

/** The outcome of an import. */
export interface ImportSummary {
  import: string;
  release: string;
  source: string;
  dryRun: boolean;
  records: { read: number; imported: number; refused: number };
  /** By the mapping's sets of rows. */
  rows: Record<string, SetCounts>;
  media: { stored: number; present: number; bytes: number };
  disagreements: number;
  /** Files that the mapping does not name. */
  unread: number;
  /** Lines that the report has no room for. */
  untold: number;
}
