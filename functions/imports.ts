/** Imports that a release declares: found by their names, for those who start one and for the task that does it. */
import { didYouMean } from "../core/did-you-mean.ts";
import { RehearsalError } from "../core/errors.ts";
import type { Project } from "../core/project.ts";
import type { Environment } from "../io/ledger/environments.ts";
import type { ObjectStore } from "../io/object-store.ts";
import { readRelease } from "./release.ts";

type Declared = { files: Project["imports"][number]; sqlite: Project["sqliteImports"][number] };

/** The release that an environment runs; throws `ImportReleaseMissing`. */
export function importRelease({ name, release }: Pick<Environment, "name" | "release">): string {
  if (release === null) throw new RehearsalError("ImportReleaseMissing", { environment: name });
  return release;
}

/** The mapping of that name and kind, or the only one of the kind; throws `ImportUnknown` with what there is. */
export async function findImport<K extends keyof Declared>(
  store: ObjectStore,
  release: string,
  name: string | undefined,
  kind: K,
): Promise<Declared[K]> {
  const { imports, sqliteImports } = await readRelease(store, release, []);
  const all: readonly Declared[keyof Declared][] = kind === "files" ? imports : sqliteImports;
  const found = name === undefined && all.length === 1 ? all[0] : all.find((one) => one.name === name);
  if (found !== undefined) return found as Declared[K];
  const known = all.map((one) => one.name);
  throw new RehearsalError("ImportUnknown", {
    import: name ?? "",
    release,
    known:
      known.length === 0
        ? `it has none; write imports/${name ?? "NAME"}.yaml`
        : didYouMean(name ?? "", known),
  });
}
