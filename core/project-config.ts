/** `rehearsal.yaml`: the little that a project says of itself. */
import * as z from "zod";
import { didYouMean } from "./did-you-mean.ts";
import { FORMAT_NAMES } from "./formats/format.ts";
import { configInvalid, parseYamlFile } from "./yaml-file.ts";

export const CONFIG_PATH = "rehearsal.yaml";

/** The folders that hold something else in every project. */
const TAKEN = ["views", "seeds", "checks", "queries", "reports", "plans", "imports"];

export const configSchema = z.strictObject({
  /** The project's name: lower-case letters, digits and hyphens, at most 63. */
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "use lower-case letters, digits and hyphens, at most 63 of them"),
  /** One line for people. */
  description: z.string().max(500).optional(),
  /** Where `seeds/` run: on environments of role dev when asked for, or never. Never on prod, whatever stands here. */
  seeds: z.enum(["dev", "never"]).default("dev"),
  /** Whose migrations they are: how they are named, ordered and read. */
  format: z.enum(FORMAT_NAMES).default("native"),
  /** The folder of the migrations; the format's own when left out. */
  migrations: z
    .string()
    .regex(
      /^(?:\.|[^\s./\\][^\s/\\]*(?:\/[^\s./\\][^\s/\\]*)*)$/u,
      "use a folder below this one, such as db/migrations",
    )
    .refine(
      (folder) => !TAKEN.includes(folder.split("/")[0] ?? ""),
      "another kind of file stands in that folder",
    )
    .optional(),
});

export type ProjectConfig = z.infer<typeof configSchema>;

/** Reads `rehearsal.yaml`; throws `ConfigInvalid` with every problem, unknown keys with what was probably meant. */
export function parseConfig(bytes: Uint8Array): ProjectConfig {
  const value = parseYamlFile(CONFIG_PATH, bytes);
  const parsed = configSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  throw configInvalid(CONFIG_PATH, parsed.error.issues.flatMap(describeIssue));
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map(
      (key) => `the key "${key}" is not known, ${didYouMean(key, Object.keys(configSchema.shape))}`,
    );
  const where = issue.path.join(".");
  return [where === "" ? issue.message : `${where}: ${issue.message}`];
}
