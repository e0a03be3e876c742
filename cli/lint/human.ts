/** Findings for people: where, what and the mend, with the line they are about. */
import { count } from "../../core/counts.ts";
import type { Finding } from "../../core/lint/lint.ts";
import { whyAllowed } from "../../core/lint/planned.ts";
import type { Tint } from "../terminal.ts";
import { plain } from "../text.ts";

export interface Linted {
  findings: readonly Finding[];
  /** How many files were looked at. */
  files: number;
  /** The files' text, by path. */
  sources: ReadonlyMap<string, string>;
}

type Paint = (tint: Tint, text: string) => string;

/** One block per finding, the allowed ones in one line each, and a sum. */
export function humanText({ findings, files, sources }: Linted, paint: Paint): string {
  const blocks = findings.map((finding) =>
    finding.suppressed === undefined
      ? block(finding, sources.get(finding.path) ?? "", paint)
      : allowed(finding, paint),
  );
  return [...blocks, sum(findings, files)].join("\n\n");
}

function block(finding: Finding, source: string, paint: Paint): string {
  const { path, line, severity, rule, message, hint } = finding;
  const word = paint(severity === "error" ? "red" : "yellow", severity);
  return [
    `${paint("bold", `${plain(path)}:${line}`)}: ${word}: ${plain(message)} ${paint("dim", `[${rule}]`)}`,
    ...excerpt(source, line, paint),
    ...(finding.lock === undefined ? [] : [`  takes: ${finding.lock.mode}, which ${WHAT[finding.blocks]}`]),
    `  hint: ${plain(hint)}`,
  ].join("\n");
}

const WHAT = {
  reads: "keeps readers and writers out",
  writes: "keeps writers out",
  nothing: "keeps nobody out",
};

/** The statement's first line, and a caret where it begins. */
function excerpt(source: string, line: number, paint: Paint): string[] {
  const text = source.split(/\r?\n/)[line - 1];
  if (text === undefined) return [];
  const number = String(line);
  const start = /^\s*/.exec(text)?.[0].length ?? 0;
  const shown = plain(text.slice(0, WIDTH)) + (text.length > WIDTH ? "…" : "");
  const indent = plain(text.slice(0, start)).replaceAll(/[^\t]/g, " ");
  const length = Math.max(1, shown.trimEnd().length - start);
  return [
    paint("dim", `  ${number} | `) + shown,
    paint("dim", `  ${" ".repeat(number.length)} | `) + indent + paint("red", "^".repeat(length)),
  ];
}

const WIDTH = 160;

function allowed({ path, line, rule, suppressed }: Finding, paint: Paint): string {
  const why = suppressed === undefined ? "" : whyAllowed(suppressed);
  return paint("dim", `${plain(path)}:${line}: allowed: ${rule}: ${plain(why)}`);
}

function sum(findings: readonly Finding[], files: number): string {
  const { errors, warnings, suppressed } = counts(findings);
  const parts = [
    count(errors, "error"),
    count(warnings, "warning"),
    ...(suppressed > 0 ? [`${suppressed} allowed`] : []),
  ];
  return `${count(files, "file")}: ${parts.join(", ")}`;
}

export function counts(findings: readonly Finding[]): {
  errors: number;
  warnings: number;
  suppressed: number;
} {
  const open = findings.filter(({ suppressed }) => suppressed === undefined);
  const errors = open.filter(({ severity }) => severity === "error").length;
  return { errors, warnings: open.length - errors, suppressed: findings.length - open.length };
}
