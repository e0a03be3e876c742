/** `rehearsal release`, the local half: a project's folder becomes a checked bundle. */
import { checkProject, type Project } from "../../core/project.ts";
import { type Bundle, buildBundle } from "../../core/release.ts";
import { readProjectFiles } from "../project-files.ts";

export interface PreparedRelease {
  bundle: Bundle;
  project: Project;
}

/** Reads and checks the folder and builds its bundle; throws the first refusal, and never half a release. */
export async function prepareRelease(folder: string): Promise<PreparedRelease> {
  const files = await readProjectFiles(folder);
  const project = await checkProject(files);
  return { bundle: buildBundle(files), project };
}
