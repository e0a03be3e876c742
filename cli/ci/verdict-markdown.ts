/**
 * The verdict as Markdown for a comment or a summary. Whatever a release, a database or a person has named stands in code
 * spans, so that none of it is markup, mentions anybody or closes the note's mark; and it is never too long to be sent.
 */
import type { ItemMeasure, RehearsalReport } from "../../core/report.ts";
import { strongestLocks } from "../../core/report.ts";
import { batchSection } from "../../core/report-batches.ts";
import { blockedSection, TRAFFIC } from "../../core/report-blocked.ts";
import { budgetSection } from "../../core/report-budgets.ts";
import { hintBlock, hintParts } from "../../core/report-hint.ts";
import { lintSection, worstFirst } from "../../core/report-lint.ts";
import { plansSection } from "../../core/report-plans.ts";
import { rollbackSentence } from "../../core/report-rollback.ts";
import { bytes, code, duration, list } from "../../core/report-words.ts";
import { plain } from "../text.ts";
import { findingWords, planWords, type Verdict } from "./verdict.ts";

/** Bytes: GitHub takes 65,536 characters of a comment, and the mark comes on top. */
export const LONGEST = 65_000;

/** Rows of each table: who needs more of them reads the report. */
const ROWS = 20;

export function verdictMarkdown(verdict: Verdict, longest = LONGEST): string {
  // Of control characters and those that turn the reading around only their names are left, in code as well; these are
  // longer, so it is done before anything is measured.
  const head = plain([`## ${title(verdict)}`, "", ...said(verdict), ...factTable(verdict), ""].join("\n"));
  const foot = plain(footer(verdict));
  const left: string[] = [];
  let room = longest - size(head) - size(foot) - 200;
  const parts: string[] = [];
  for (const [name, lines] of sections(verdict)) {
    if (lines.length === 0) continue;
    const told = plain(untitled(lines, name).join("\n").trim());
    const text = `<details><summary>${name}</summary>\n\n${told}\n\n</details>\n`;
    if (size(text) > room) left.push(name.toLowerCase());
    else {
      parts.push(text);
      room -= size(text);
    }
  }
  const cut = left.length > 0 ? [`Left out here, and told by the report: ${left.join(", ")}.\n`] : [];
  return [head, ...parts, ...cut, foot].join("\n").trimEnd();
}

/** Its name stands above it already. */
function untitled([first = "", ...rest]: readonly string[], name: string): string[] {
  return first === `## ${name}` || first === `**${name}**` ? rest : [first, ...rest];
}

const size = (text: string) => Buffer.byteLength(text);

/** A name or words of somebody else's. */
const quoted = (text: string) => code(text);

/** The same, cut where it would fill the note by itself, as long as it is shown. */
function quotedShort(text: string): string {
  const shown = plain(text);
  return quoted(shown.length > 2_000 ? `${shown.slice(0, 2_000)} …` : shown);
}

function title({ status, wanted, environment, refusal }: Verdict): string {
  const where = code(environment);
  if (status === "linted") return `${where}: looked at, not rehearsed`;
  if (status === "failed")
    return `${where}: could not be ${wanted === "rehearsal" ? "rehearsed" : "promoted"}`;
  if (status === "rehearsed") return `${where}: the rehearsal went well`;
  if (status === "nothing-to-do") return `${where}: nothing is pending`;
  if (status === "promoted") return `${where} is promoted`;
  if (status === "rolled-back") return `${where} was rolled back`;
  if (status === "held") return `${where} is held: an operator is needed`;
  if (status === "refused")
    return refusal?.code === "RehearsalOvertaken"
      ? `${where}: the rehearsal gave way to another change`
      : `${where}: refused`;
  return status === "waiting" ? `${where}: waits for an approval` : `${where}: still under way`;
}

function said({ outside, refusal, status, wanted, promotion }: Verdict): string[] {
  const lines: string[] = [];
  if (outside !== null)
    lines.push(
      quotedShort(outside),
      "",
      "So its files were read and nothing was asked of the service: no release was registered and nothing was rehearsed. That happens when somebody who may pushes the same commits to a branch of this repository.",
      "",
    );
  if (refusal !== null)
    lines.push(
      `**${quotedShort(refusal.message)}**`,
      "",
      `Hint: ${quotedShort(hintParts(refusal.hint).sentence)}${plain(refusal.hint).length > 4_000 ? "" : hintBlock(refusal.hint)}`,
      "",
    );
  if (refusal !== null || status === "rehearsed")
    lines.push(wanted === "rehearsal" && status !== "failed" ? "Production was not touched." : "", "");
  if (status === "waiting" && promotion !== null)
    lines.push(`Approve it on its page, or with ${code(`rehearsal approve ${promotion}`)}.`, "");
  return lines.filter((line, index) => line !== "" || lines[index - 1] !== "");
}

function factTable(verdict: Verdict): string[] {
  const { release, commit, report, findings, status, promotion } = verdict;
  const rows: (readonly [string, string] | false)[] = [
    release !== null && ["release", code(release.slice(0, 12))],
    commit !== null && ["commit", quoted(commit.slice(0, 12))],
    promotion !== null && ["promotion", code(promotion)],
    ...measured(report),
    status !== "linted" && ["data plan", planWords(verdict)],
    ["safety analysis", findingWords(findings)],
  ];
  const shown = rows.filter((row) => row !== false);
  return ["| | |", "|---|---|", ...shown.map(([name, value]) => `| ${name} | ${value} |`)];
}

function measured(report: RehearsalReport | null): [string, string][] {
  if (report === null) return [];
  const ran = report.runs.reduce((sum, run) => sum + run.milliseconds, 0);
  const grown = report.bytesAfter - report.bytesBefore;
  const reached = report.bytesAfter > 0;
  return [
    ["time", `${duration(ran)} on the copy; the rehearsal took ${duration(report.milliseconds)}`],
    ["who has to wait", waiting(report)],
    ...(reached
      ? ([
          [
            "size",
            `${bytes(report.bytesBefore)} → ${bytes(report.bytesAfter)} (${grown < 0 ? "−" : "+"}${bytes(Math.abs(grown))}); WAL: ${bytes(report.walBytes)}`,
          ],
        ] satisfies [string, string][])
      : []),
  ];
}

function waiting({ blocked, failure }: RehearsalReport): string {
  if (blocked === undefined) return "not measured";
  const [longest, ...others] = blocked;
  if (longest === undefined) return failure === undefined ? "nobody" : "nobody, until it was refused";
  const more = others.length > 0 ? `, and ${others.length} more` : "";
  return `${TRAFFIC[longest.traffic]} of ${quoted(longest.relation)} for ${duration(longest.milliseconds)}${more}`;
}

/** The most important first: what does not fit is left out from the end. */
function sections({ report, findings }: Verdict): [name: string, lines: string[]][] {
  const found = worstFirst(findings);
  const lint: [string, string[]] = ["Safety analysis", capped(found, lintSection)];
  if (report === null) return [lint];
  return [
    [
      "Who has to wait",
      (report.blocked ?? []).length > 0 ? capped(report.blocked ?? [], blockedSection) : [],
    ],
    ["Budgets", budgetSection(report.budgets)],
    ["Data plans", capped(report.plans ?? [], plansSection)],
    [
      "Not additive, and without a data plan",
      capped(report.unplanned ?? [], (lines) => list("Not additive, and without a data plan", lines)),
    ],
    lint,
    [
      "What ran",
      capped(
        report.runs.flatMap(({ items }) => items),
        itemTable,
      ),
    ],
    ["Backfills in slices", batchSection(report.batches)],
    ["Differences of shape", capped(report.differences, (lines) => list("Differences of shape", lines))],
    ["The rollback", [rollbackSentence(report.rollback)].filter(Boolean)],
  ];
}

function capped<T>(all: readonly T[], section: (shown: readonly T[]) => string[]): string[] {
  const more = all.length - ROWS;
  return [...section(all.slice(0, ROWS)), ...(more > 0 ? [`${more} more are in the report.`] : [])];
}

function itemTable(items: readonly ItemMeasure[]): string[] {
  if (items.length === 0) return [];
  return [
    "| file | time | strongest locks |",
    "|---|---:|---|",
    ...items.map(({ path, milliseconds, statements }) => {
      const locks = strongestLocks(statements.flatMap((one) => one.locks)).slice(0, 5);
      const told = locks.map(({ relation, mode }) => quoted(`${mode} on ${relation}`)).join("<br>");
      return `| ${quoted(path)} | ${duration(milliseconds)} | ${told} |`;
    }),
  ];
}

function footer({ pages, promotion }: Verdict): string {
  const links = [
    ["The run and its artifacts", pages.run],
    ["the promotion", pages.console],
  ].flatMap(([name, page]) => (page && /^https?:\/\/[^\s<>()]+$/.test(page) ? [`[${name}](${page})`] : []));
  const told = promotion === null ? [] : [code(`rehearsal report ${promotion}`)];
  return [...links, ...told].join(" · ");
}
