/** An example as a project, with what releases lay over it, and its migrations in a database. */
import { readdir, readFile } from "node:fs/promises";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { checkProject, type Project } from "../../core/project.ts";
import { execute } from "../postgres.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

/** The files of the example that belong to a release, by path. */
export async function exampleFiles(name: string, ...releases: string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const layer of [`${name}/`, ...releases.map((release) => `${name}/releases/${release}/`)]) {
    const paths = await readdir(new URL(layer, EXAMPLES), { recursive: true });
    for (const path of paths.filter((one) => !one.startsWith("releases/") && PART.test(one)))
      files.set(path, await readFile(new URL(layer + path, EXAMPLES)));
  }
  return files;
}

const PART = /(?:\.(?:sql|yaml|toml)|^schema\.lock\.json)$/;

export async function exampleProject(name: string, ...releases: string[]): Promise<Project> {
  const files = await exampleFiles(name, ...releases);
  return checkProject([...files].map(([path, bytes]) => ({ path, bytes })));
}

/** Runs the migrations after that version, and the views. */
export async function apply(address: DatabaseAddress, project: Project, after = 0): Promise<void> {
  for (const { sql, version } of project.migrations) if (version > after) await execute(address, sql);
  for (const { sql } of project.views) await execute(address, sql);
}
