/** What a verification has found: counted, the first of it listed, and told apart between two looks. */
import { canonicalJson } from "../../../core/canonical-json.ts";
import type { StoreModel } from "../../../core/store/definition.ts";
import { keyOf } from "../../../core/store/keys.ts";
import type { Row } from "../../../core/store/store.ts";
import { LISTED_PROBLEMS, type StoreProblem } from "../../../core/store/verification.ts";

export interface Finding extends StoreProblem {
  /** Of both sides' values where there are two: found again with another one, it is another difference. */
  mark?: string;
}

/** So many are held, that two looks can be told apart: while others write, thousands are on their way. */
const HELD = 100_000;

export class Findings {
  found = 0;
  readonly listed: Finding[] = [];

  add(finding: Finding): void {
    this.found++;
    if (this.listed.length < HELD) this.listed.push(finding);
  }

  /** Adds all that others are. */
  take(others: Findings): void {
    for (const finding of others.listed) this.add(finding);
    this.found += others.found - others.listed.length;
  }

  /** Whether every one is held. */
  get whole(): boolean {
    return this.found === this.listed.length;
  }

  /** Those that both looks have found: what was under way when one of them looked is in one of them only. */
  standing(again: Findings): Findings {
    const standing = new Findings();
    const before = new Map(this.listed.map((finding) => [placeOf(finding), finding]));
    for (const finding of again.listed) {
      const earlier = before.get(placeOf(finding));
      if (earlier === undefined) continue;
      const { columns: _, ...rest } = finding;
      standing.add(earlier.mark === finding.mark ? finding : { ...rest, problem: "row-unsettled" });
    }
    return standing;
  }

  problems(): StoreProblem[] {
    return this.listed.slice(0, LISTED_PROBLEMS).map(({ mark: _, ...problem }) => problem);
  }
}

/** How a row is named in a report. */
export function rowNamed(model: StoreModel, row: Row): { model: string; key: string } {
  return { model: model.name, key: canonicalJson(keyOf(model, row)) };
}

function placeOf({ problem, model, key, constraint, path, mark }: Finding): string {
  // A row that differs is the same row wherever it lies and whatever is wrong with it now.
  return mark === undefined
    ? canonicalJson([problem, model, key, constraint, path].map((one) => one ?? null))
    : canonicalJson(["row", model ?? null, key ?? null]);
}
