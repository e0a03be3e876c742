/** The example of assessments as a project, and a database of it that Rehearsal knows. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import type { Project } from "../../core/project.ts";
import { openSession } from "../../io/postgres/session.ts";
import { installIdentity } from "../../io/postgres/target-schema.ts";
import { exampleFiles, exampleProject } from "./example-project.ts";

export { apply } from "./example-project.ts";

export function assessmentsFiles(...releases: string[]): Promise<Map<string, Uint8Array>> {
  return exampleFiles("assessments", ...releases);
}

export function assessmentsProject(...releases: string[]): Promise<Project> {
  return exampleProject("assessments", ...releases);
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
