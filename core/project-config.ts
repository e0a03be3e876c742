/** `rehearsal.yaml`: the little that a project says of itself. */
import { LineCounter, parseDocument } from "yaml";
import * as z from "zod";
import { didYouMean } from "./did-you-mean.ts";
import { RehearsalError } from "./errors.ts";

export const CONFIG_PATH = "rehearsal.yaml";

export const configSchema = z.strictObject({
  /** The project's name: lower-case letters, digits and hyphens, at most 63. */
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "use lower-case letters, digits and hyphens, at most 63 of them"),
  /** One line for people. */
  description: z.string().max(500).optional(),
  /** Where `seeds/` run: on environments of role dev when asked for, or never. Never on prod, whatever stands here. */
  seeds: z.enum(["dev", "never"]).default("dev"),
});

export type ProjectConfig = z.infer<typeof configSchema>;

/** Reads `rehearsal.yaml`; throws `ConfigInvalid` with every problem, unknown keys with what was probably meant. */
export function parseConfig(bytes: Uint8Array): ProjectConfig {
  const refuse = (problems: readonly string[]) =>
    new RehearsalError("ConfigInvalid", { path: CONFIG_PATH, problems: problems.join("; ") });
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse(["it is not text in UTF-8"]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw refuse(faults.map((fault) => `line ${lines.linePos(fault.pos[0]).line}: ${fault.message}`));
  let value: unknown;
  try {
    // Aliases are counted, so that a small file cannot grow into a large value.
    value = document.toJS({ maxAliasCount: 10 });
  } catch (error) {
    throw refuse([error instanceof Error ? error.message : String(error)]);
  }
  const parsed = configSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw refuse(parsed.error.issues.flatMap(describeIssue));
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map(
      (key) => `the key "${key}" is not known, ${didYouMean(key, Object.keys(configSchema.shape))}`,
    );
  const where = issue.path.join(".");
  return [where === "" ? issue.message : `${where}: ${issue.message}`];
}
