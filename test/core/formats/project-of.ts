/** A project of another tool's migrations, from the texts of its files. */
import { createHash } from "node:crypto";
import type { FormatName } from "../../../core/formats/format.ts";
import { checkProject, type Project } from "../../../core/project.ts";

/** `files` by their paths; `config` is what stands in rehearsal.yaml besides the project and its format. */
export function projectOf(
  format: FormatName,
  files: Record<string, string | Uint8Array>,
  config = "",
): Promise<Project> {
  const all = { "rehearsal.yaml": `project: library\nformat: ${format}\n${config}`, ...files };
  return checkProject(Object.entries(all).map(([path, text]) => ({ path, bytes: Buffer.from(text) })));
}

/** What of each migration is run, with every run of white space as one space. */
export function whatRuns(project: Project): Record<string, string[]> {
  return Object.fromEntries(
    project.migrations.map(({ key, statements }) => [
      key,
      statements.map(({ sql }) => sql.replace(/\s+/g, " ").trim()),
    ]),
  );
}

/** Committed migrations of graphile-migrate, with their chain of hashes. */
export function committed(...bodies: string[]): Record<string, string> {
  let previous = "";
  return Object.fromEntries(
    bodies.map((body, index) => {
      const hash = `sha1:${createHash("sha1")
        .update(`${`${previous}\n${body.trim()}`.trim()}\n`)
        .digest("hex")}`;
      const text = `--! Previous: ${previous || "-"}\n--! Hash: ${hash}\n\n${body.trim()}\n`;
      previous = hash;
      return [`migrations/committed/${String(index + 1).padStart(6, "0")}-step.sql`, text];
    }),
  );
}
