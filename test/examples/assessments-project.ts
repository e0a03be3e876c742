/** The example as a project, with what releases lay over it, and its migrations in a database. */
import { readdir, readFile } from "node:fs/promises";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { checkProject, type Project } from "../../core/project.ts";
import { openSession } from "../../io/postgres/session.ts";
import { installIdentity } from "../../io/postgres/target-schema.ts";
import { execute } from "../postgres.ts";

const EXAMPLE = new URL("../../examples/assessments/", import.meta.url);

export async function assessmentsFiles(...releases: string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const layer of ["", ...releases.map((release) => `releases/${release}/`)]) {
    const paths = await readdir(new URL(layer || ".", EXAMPLE), { recursive: true });
    for (const path of paths.filter((one) => !one.startsWith("releases/") && /\.(sql|yaml)$/.test(one)))
      files.set(path, await readFile(new URL(layer + path, EXAMPLE)));
  }
  return files;
}

export async function assessmentsProject(...releases: string[]): Promise<Project> {
  const files = await assessmentsFiles(...releases);
  return checkProject([...files].map(([path, bytes]) => ({ path, bytes })));
}

/** Runs the migrations after that version, and the views. */
export async function apply(address: DatabaseAddress, project: Project, after = 0): Promise<void> {
  for (const { sql, version } of project.migrations) if (version > after) await execute(address, sql);
  for (const { sql } of project.views) await execute(address, sql);
}

/** Makes the database one that Rehearsal knows, so that triggers can ask it. */
export async function register(address: DatabaseAddress): Promise<void> {
  const session = await openSession(address, { application: "test" });
  try {
    await installIdentity(session, {
      ...{ name: "prod", role: "prod", state: "writeable" },
      identity: "00000000-0000-4000-8000-000000000001",
    });
  } finally {
    await session.close();
  }
}
