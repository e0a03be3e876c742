/** Who waits for a release and for how long, as a section of the report in Markdown. */
import type { Blocked, Traffic } from "./blocked.ts";
import { code, duration } from "./report-words.ts";

/** What waits, in people's words. */
export const TRAFFIC: Record<Traffic, string> = {
  reads: "reads",
  writes: "writes",
  rows: "writes of rows that it changed",
};

/** Empty when the report does not tell of it. */
export function blockedSection(blocked: readonly Blocked[] | undefined): string[] {
  if (blocked === undefined) return [];
  if (blocked.length === 0) return ["Nobody who reads or writes has to wait.", ""];
  return [
    "## Who has to wait",
    "",
    "| table | what waits | longest | for | lock | told by |",
    "|---|---|---:|---|---|---|",
    ...blocked.map(({ relation, traffic, milliseconds, statement, mode, by }) =>
      row([
        code(relation),
        TRAFFIC[traffic],
        duration(milliseconds),
        code(`${statement.path}:${statement.line} ${statement.summary}`),
        code(mode),
        by === "probe" ? "a probe that waited" : "the clock",
      ]),
    ),
    "",
  ];
}

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
