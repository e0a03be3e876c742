/** The figures of the backup's bench, for the terminal and for docs/performance.md. */
import { describeMachine } from "../page.ts";
import { CONTENT } from "./tables.ts";

export interface Figure {
  /** What was measured. */
  what: string;
  /** The medians, in the unit of `unit`. */
  ours: number;
  /** What it is held against; undefined when it is a limit. */
  against: { name: string; value: number } | undefined;
  unit: "s" | "MB";
  /** The most that `ours / against` may be, or that `ours` may be. */
  wanted: number;
}

export interface Report {
  gigabytes: number;
  runs: number;
  rawBytes: number;
  server: string;
  /** Of the machine, one minute, when it began and when it ended: above the number of processors others had their share. */
  load: [number, number];
  figures: Figure[];
  /** Sentences on what was not compared and why, and what else was measured. */
  notes: string[];
}

export function holds({ ours, against, wanted }: Figure): boolean {
  return (against === undefined ? ours : ours / against.value) <= wanted;
}

export function figureTable(figures: Figure[]): string {
  const shown = (value: number, unit: string) => `${value.toFixed(unit === "s" ? 2 : 0)} ${unit}`;
  const rows = figures.map((figure) => [
    figure.what,
    shown(figure.ours, figure.unit),
    figure.against === undefined ? "" : `${figure.against.name}: ${shown(figure.against.value, figure.unit)}`,
    figure.against === undefined ? "" : (figure.ours / figure.against.value).toFixed(2),
    figure.against === undefined ? shown(figure.wanted, figure.unit) : figure.wanted.toFixed(2),
    holds(figure) ? "yes" : "no",
  ]);
  const head = ["measure", "ours", "against", "ratio", "wanted, at most", "holds"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** The section on backups of docs/performance.md. */
export function backupSection(report: Report): string {
  const [began, ended] = report.load.map((load) => load.toFixed(1));
  return `Written by \`npm run bench -- backup --gb ${report.gigabytes} --runs ${report.runs}\`. Measured on ${describeMachine()}; ${report.server}. Clients, server and object store share these processors. The load of the machine was ${began} at the beginning and ${ended} at the end. ${(report.rawBytes / 1e9).toFixed(2)} GB of COPY text: ${CONTENT}. Medians of ${report.runs}.

${figureTable(report.figures)}

${report.notes.map((note) => `- ${note}`).join("\n")}`;
}
