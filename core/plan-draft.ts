/** A first draft of a data plan, from what the migration does: what can be known is filled in, what only a person knows is marked. */
import { stringify } from "yaml";
import { TODO } from "./data-plan.ts";
import type { Migration, Statement } from "./migration.ts";
import { numberText } from "./migration-name.ts";
import { writeName } from "./plain-name.ts";
import { lossesOf } from "./plan-coverage.ts";
import { needingPlan } from "./plan-need.ts";

/** The text of `plans/NNNN.yaml`; it is refused until every TODO in it is replaced. */
export function draftPlan(migration: Migration): string {
  const needing = draftable(migration);
  const statements = needing.map((statement) => {
    const { fingerprint, summary, touches } = statement;
    return {
      fingerprint,
      summary,
      objects: [...new Set(touches.objects.map(({ name }) => writeName(name)))],
      ...(lossesOf(statement).length > 0 && { loses: `${TODO}: what of the content is lost, in words` }),
    };
  });
  const bounds = needing
    .flatMap(lossesOf)
    .flatMap((loss) =>
      loss.kind === "rows of" ? [] : [[`${loss.kind} ${writeName(loss.name)}`, whole(loss.kind)]],
    );
  const plan = {
    migration: numberText(migration.version),
    why: `${TODO}: why it has to be`,
    statements,
    ...(bounds.length > 0 && { loses: Object.fromEntries(bounds) }),
    notes: [`${TODO}: what operators and users will notice; or leave the notes out`],
    back: `${TODO}: the way back`,
  };
  return stringify(plan, { lineWidth: 110, singleQuote: false, defaultStringType: "PLAIN" });
}

/** Additive by what it says, yet it may call a function that is not. */
const CALLING = new Set(["CreateTableAsStmt", "DoStmt", "InsertStmt", "SelectStmt"]);

/** The statements that need a plan; where there are none, those by which a plan can speak for what their functions and triggers do. */
export function draftable(migration: Pick<Migration, "statements">): Statement[] {
  const needing = needingPlan(migration);
  return needing.length > 0 ? needing : migration.statements.filter(({ kind }) => CALLING.has(kind));
}

const whole = (kind: string) => (kind === "table" ? "all rows" : "all values");
