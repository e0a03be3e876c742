/** `rehearsal init`: makes a project where none stands. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { RehearsalError } from "../../core/errors.ts";
import { CONFIG_PATH, configSchema } from "../../core/project-config.ts";
import { FOLDERS } from "../../core/project-paths.ts";

/** What a new project begins with; the others are made when they are first needed. */
const BEGINNING = ["migrations", "views", "seeds", "checks"];

export interface InitResult {
  project: string;
  folder: string;
  /** Paths that were made, relative to the folder. */
  made: string[];
}

/** Makes `rehearsal.yaml` and the folders; throws `ProjectExists` when anything of a project stands there. The name is the folder's, unless given. */
export async function init(folder: string, given?: string): Promise<InitResult> {
  const project = given ?? nameFrom(basename(resolve(folder)));
  const checked = configSchema.shape.project.safeParse(project);
  if (!checked.success)
    throw new RehearsalError("ConfigInvalid", {
      path: CONFIG_PATH,
      problems: `project "${project}": ${checked.error.issues.map((issue) => issue.message).join("; ")}`,
    });
  await refuseExisting(folder);
  const files = [
    ...BEGINNING.map((name) => ({ path: `${name}/.gitkeep`, text: "" })),
    { path: CONFIG_PATH, text: configText(project) },
  ];
  for (const name of BEGINNING) await mkdir(join(folder, name), { recursive: true });
  // `wx`: whoever makes the same project at the same time wins or loses whole.
  for (const { path, text } of files) await writeFile(join(folder, path), text, { flag: "wx" });
  return { project, folder, made: files.map((file) => file.path) };
}

async function refuseExisting(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const found = entries.find((entry) => entry === CONFIG_PATH || Object.hasOwn(FOLDERS, entry));
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

function configText(project: string): string {
  return `# A Rehearsal project: what stands in this folder is promoted as one release.
#
#   migrations/  NNNN_what_it_does.sql, applied once, in order, never edited afterwards ("rehearsal new" makes one)
#   views/       CREATE OR REPLACE VIEW, run again whenever a file changes
#   seeds/       rows for development; never run on an environment with role prod
#   checks/      one SELECT each, of rows that are wrong; a promotion goes on only when none is found
project: ${project}
# description: one line for people
# seeds: dev        # or never
`;
}
