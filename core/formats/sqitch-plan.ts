/** sqitch.plan: the changes in the order in which Sqitch deploys them, with the tags between them. */
import type { SqlSource } from "../sql-source.ts";
import { broken } from "./markers.ts";

export interface PlannedChange {
  name: string;
  /** Changes of other projects that it needs: "auth:users". */
  foreign: string[];
  /** Tags that stand behind it, up to the next change: "@v1.0". */
  tags: string[];
  line: number;
}

const MEND = "write it as sqitch add, sqitch tag and sqitch rework do";
/** A name of a change or a tag, as far as the plan goes: no white space, none of its signs. */
const CHANGE =
  /^(?<sign>[+-])?\s*(?<name>[^\s@:#[\]\\+-][^\s@:#[\]\\]*)(?:\s+\[(?<needs>[^\]]*)\])?(?<rest>\s.*)?$/;
const TAG = /^@(?<name>[^\s@:#[\]\\]+)(?:\s.*)?$/;
const STAMP = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\s/;

/** Reads the plan; throws `SequenceBroken` for a line that is none of Sqitch's, and for a plan without changes of its own project. */
export function readPlan(source: SqlSource): PlannedChange[] {
  const changes: PlannedChange[] = [];
  let at = 0;
  for (const [index, whole] of source.sql.split("\n").entries()) {
    const refuse = (problem: string) => broken("sqitch", source, at, problem, MEND);
    const line = whole.replace(/(?:^|\s)#.*$/, "").trim();
    if (line !== "" && !line.startsWith("%")) {
      const tag = TAG.exec(line)?.groups;
      const change = CHANGE.exec(line)?.groups;
      if (tag !== undefined) {
        const last = changes.at(-1);
        if (last === undefined) throw refuse(`the tag @${tag.name} stands before every change`);
        last.tags.push(`@${tag.name}`);
      } else if (change?.name !== undefined) {
        if (change.sign === "-")
          throw refuse(`"${change.name}" is taken back in the plan, which Sqitch no longer knows`);
        if (!STAMP.test(`${change.rest ?? ""} `)) throw refuse(`"${change.name}" has no time beside it`);
        const needs = (change.needs ?? "").split(/\s+/).filter(Boolean);
        changes.push({
          name: change.name,
          foreign: needs.filter((need) => /^[^!@:]+:/.test(need)),
          tags: [],
          line: index + 1,
        });
      } else throw refuse(`"${line}" is neither a change nor a tag`);
    }
    at += whole.length + 1;
  }
  return changes;
}
