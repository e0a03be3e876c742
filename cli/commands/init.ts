/** `rehearsal init`: makes a project where none stands. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { RehearsalError } from "../../core/errors.ts";
import type { FormatName } from "../../core/formats/format.ts";
import { CONFIG_PATH, configSchema } from "../../core/project-config.ts";
import { FOLDERS, layoutOf, type ProjectLayout } from "../../core/project-paths.ts";

/** What a new project begins with; the others are made when they are first needed. */
const BEGINNING = ["views", "seeds", "checks"];

export interface InitOptions {
  /** The folder's name when left out. */
  name?: string;
  /** `native` when left out. */
  format?: FormatName;
  /** The format's own folder when left out. */
  migrations?: string;
}

interface InitResult {
  project: string;
  folder: string;
  /** Paths that were made, relative to the folder. */
  made: string[];
}

/** Makes `rehearsal.yaml` and the folders, beside another tool's migrations if the format is that tool's; throws `ProjectExists` when anything of a project stands there. */
export async function init(
  folder: string,
  { name, format = "native", migrations }: InitOptions = {},
): Promise<InitResult> {
  const project = name ?? nameFrom(basename(resolve(folder)));
  const checked = configSchema.shape.project.safeParse(project);
  if (!checked.success)
    throw new RehearsalError("ConfigInvalid", {
      path: CONFIG_PATH,
      problems: `project "${project}": ${checked.error.issues.map((issue) => issue.message).join("; ")}`,
    });
  const layout = layoutOf({ format, migrations });
  await refuseExisting(folder, format === "native" ? layout.folder : undefined);
  const folders = format === "native" ? [layout.folder, ...BEGINNING] : BEGINNING;
  const files = [
    ...folders.map((name) => ({ path: `${name}/.gitkeep`, text: "" })),
    { path: CONFIG_PATH, text: configText(project, format, layout, migrations) },
  ];
  for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  // `wx`: whoever makes the same project at the same time wins or loses whole.
  for (const { path, text } of files) await writeFile(join(folder, path), text, { flag: "wx" });
  return { project, folder, made: files.map((file) => file.path) };
}

async function refuseExisting(folder: string, migrations: string | undefined): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const found = entries.find(
    (entry) => entry === CONFIG_PATH || entry === migrations || Object.hasOwn(FOLDERS, entry),
  );
  if (found !== undefined) throw new RehearsalError("ProjectExists", { folder, found });
}

/** A folder's name as a project's: "My App" becomes "my-app". */
function nameFrom(folder: string): string {
  return folder
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}

function configText(
  project: string,
  format: FormatName,
  { folder, rules }: ProjectLayout,
  migrations: string | undefined,
): string {
  const own =
    format === "native"
      ? `NNNN_what_it_does.sql, applied once, in order, never edited afterwards ("rehearsal new" makes one)`
      : `${rules.wanted}; applied once, in order, never edited afterwards`;
  return `# A Rehearsal project: what stands in this folder is promoted as one release.
#
#   ${`${folder}/`.padEnd(12)} ${own}
#   views/       CREATE OR REPLACE VIEW, run again whenever a file changes
#   seeds/       rows for development; never run on an environment with role prod
#   checks/      one SELECT each, of rows that are wrong; a promotion goes on only when none is found
project: ${project}
${format === "native" ? "" : `format: ${format}\n`}${migrations === undefined ? "" : `migrations: ${migrations}\n`}# description: one line for people
# seeds: dev        # or never
`;
}
