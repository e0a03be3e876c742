/** Which of a project's files a local lint looks at: all that comes after a migration which production has. */
import { RehearsalError } from "../errors.ts";
import type { LintProject } from "./lint.ts";

interface Numbered {
  path: string;
  version: number;
  key: string;
}

/**
 * The paths after the migration that `since` names by its path, its version as its tool writes it, or its number; views
 * and seeds are always among them. Throws `MigrationUnknown`.
 */
export function pathsSince(
  project: Omit<LintProject, "migrations"> & { migrations: readonly Numbered[] },
  since: string,
): ReadonlySet<string> {
  const { migrations, views, seeds } = project;
  const at = migrations.findIndex(
    ({ path, key, version }) =>
      path === since ||
      path.endsWith(`/${since}`) ||
      key === since ||
      String(version) === since.replace(/^0+/, ""),
  );
  if (at < 0)
    throw new RehearsalError("MigrationUnknown", {
      name: since,
      known: `its migrations are ${migrations[0]?.key ?? "none"} to ${migrations.at(-1)?.key ?? "none"}`,
    });
  return new Set([...migrations.slice(at + 1), ...views, ...seeds].map(({ path }) => path));
}
