/** A project's files with a data plan for each migration that needs one: drafted from the SQL, and filled in. */
import { planPath } from "../../core/data-plan.ts";
import { parseMigration } from "../../core/migration.ts";
import { draftPlan } from "../../core/plan-draft.ts";
import { needingPlan } from "../../core/plan-need.ts";

/** `replace` changes the text of every plan that is written. */
export async function planned(
  files: Record<string, string>,
  replace: (plan: string) => string = (plan) => plan,
): Promise<Record<string, string>> {
  const plans: Record<string, string> = {};
  for (const [path, text] of Object.entries(files)) {
    if (!path.startsWith("migrations/")) continue;
    const migration = await parseMigration(path, Buffer.from(text));
    const plan = planPath(migration.version);
    if (needingPlan(migration).length > 0 && files[plan] === undefined)
      plans[plan] = replace(draftPlan(migration).replaceAll("TODO: ", ""));
  }
  return { ...files, ...plans };
}
