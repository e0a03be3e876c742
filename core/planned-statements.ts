/** The statements that data plans name, for whoever asks of a statement whether it is planned. */
import type { DataPlan } from "./data-plan.ts";
import type { PlannedStatement } from "./lint/planned.ts";
import type { Migration } from "./migration.ts";
import { isAbout } from "./plan-coverage.ts";

export function plannedStatements(
  migrations: readonly Pick<Migration, "path" | "version" | "squashes">[],
  plans: readonly DataPlan[],
): PlannedStatement[] {
  return migrations.flatMap((migration) =>
    plans
      .filter((plan) => isAbout(plan, migration))
      .flatMap(({ path: plan, why, statements }) =>
        statements.map(({ fingerprint }) => ({ path: migration.path, fingerprint, plan, why })),
      ),
  );
}
