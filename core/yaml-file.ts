/** A YAML file of a project, read as one plain value. */
import { LineCounter, parseDocument } from "yaml";
import { RehearsalError } from "./errors.ts";

/** The refusal of a file, with every problem. */
export function configInvalid(path: string, problems: readonly string[]): RehearsalError {
  return new RehearsalError("ConfigInvalid", { path, problems: problems.join("; ") });
}

/** Reads a file's one document; an empty file is undefined or null. Throws `ConfigInvalid` with the lines at fault. */
export function parseYamlFile(path: string, bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw configInvalid(path, ["it is not text in UTF-8"]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw configInvalid(
      path,
      faults.map((fault) => `line ${lines.linePos(fault.pos[0]).line}: ${fault.message}`),
    );
  try {
    // Aliases are counted, so that a small file cannot grow into a large value.
    return document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    throw configInvalid(path, [error instanceof Error ? error.message : String(error)]);
  }
}
