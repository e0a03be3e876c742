/** `plans/NNNN.yaml`: why a migration may change or lose what stands, what that is, and how to go back; part of what is approved. */
import * as z from "zod";
import { didYouMean } from "./did-you-mean.ts";
import { sha256 } from "./digest.ts";
import { numberText } from "./migration-name.ts";
import { readName } from "./plain-name.ts";
import { FINGERPRINT } from "./statement-fingerprint.ts";
import { configInvalid, parseYamlFile } from "./yaml-file.ts";

const text = z.string().trim().min(1, "say it in words").max(2_000);
const lines = z.array(text).max(100).default([]);
const name = text.refine(
  (value) => readName(value) !== undefined,
  "it is no name of an object, like public.files",
);
const fingerprint = z
  .string("write the fingerprint in quotes")
  .regex(FINGERPRINT, "a fingerprint is 16 hex digits, in quotes");

/** What a plan's `reaches` calls all of the large objects; a table of that name is written in quotes. */
export const LARGE_OBJECTS = "large objects";

const reached = text.refine(
  (value) => value === LARGE_OBJECTS || readName(value) !== undefined,
  "it is no name of an object, like public.files, nor large objects",
);

/** What is lost, by its kind: all rows of a table, the values of a column, or the rows that are written over. */
export const LOSS = /^(table|column|rows of) (.+)$/s;

const loss = text.refine(
  (value) => readName(LOSS.exec(value)?.[2] ?? "") !== undefined,
  'write "table NAME", "column TABLE.NAME" or "rows of TABLE"',
);

const statement = z.strictObject({
  fingerprint: fingerprint.meta({
    description: "What `rehearsal plan draft` wrote: it names the statement, whatever its formatting.",
  }),
  summary: text.optional().meta({ description: "The statement in short, for people." }),
  objects: z
    .array(name)
    .max(1_000)
    .default([])
    .meta({ description: "The tables, columns and other objects that it touches." }),
  loses: text.optional().meta({ description: "What is lost by it, in words; needed where content is." }),
});

export const dataPlanSchema = z.strictObject({
  migration: z
    .union([z.int().min(1), text])
    .meta({ description: "The migration's number, or its version as the project's format writes it." }),
  why: text.meta({ description: "Why it has to be." }),
  statements: z.array(statement).min(1).max(10_000).meta({
    description: "Every statement of the migration that is not additive, and any other worth a word.",
  }),
  loses: z
    .record(loss, z.union([z.int().min(0), z.enum(["all rows", "all values", "none"])]))
    .default({})
    .meta({
      description: "How much may be lost, by object; the rehearsal counts, and refuses what is more.",
    }),
  reaches: z.array(reached).max(1_000).default([]).meta({
    description:
      "Tables and columns that it changes or drops without naming them: by a cascade, a trigger, a function; `large objects` where they do not stay what they are. The rehearsal holds it to that.",
  }),
  notes: lines.meta({
    description: "What operators and users will notice; shown before approval, and in the log.",
  }),
  rebuild: lines.meta({ description: "What has to be built anew afterwards, step by step." }),
  back: text.meta({ description: "The way back." }),
  approvers: z
    .array(text)
    .max(100)
    .default([])
    .meta({ description: "Who may approve; nobody else's approval counts. Anybody's when left out." }),
  deterministic: z.array(fingerprint).max(10_000).default([]).meta({
    description:
      "Statements that do the same each time; the rehearsal runs them on two copies, whose rows lie in different orders, and compares all tables.",
  }),
});

export interface DataPlan extends z.infer<typeof dataPlanSchema> {
  path: string;
  /** The number of the migration that it is about. */
  version: number;
  /** Of the raw bytes: what the approval's evidence is made of. */
  sha256: string;
}

/** The path of a migration's plan: `plans/0004.yaml`. */
export function planPath(version: number): string {
  return `plans/${numberText(version)}.yaml`;
}

/** Reads one plan; throws `ConfigInvalid` with every problem, unknown keys with what was probably meant. */
export function parseDataPlan(path: string, bytes: Uint8Array): DataPlan {
  const version = Number(/^plans\/(\d+)\.yaml$/.exec(path)?.[1] ?? 0);
  if (version === 0 || planPath(version) !== path)
    throw configInvalid(path, ["a plan is named after its migration's number: plans/0004.yaml"]);
  const parsed = dataPlanSchema.safeParse(parseYamlFile(path, bytes) ?? {});
  if (!parsed.success) throw configInvalid(path, parsed.error.issues.flatMap(describeIssue));
  return { ...parsed.data, path, version, sha256: sha256(bytes) };
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const where = issue.path.join(".");
  const at = where === "" ? "" : `${where}: `;
  if (issue.code === "invalid_key") return issue.issues.map(({ message }) => `${at}${message}`);
  if (issue.code !== "unrecognized_keys") return [`${at}${issue.message}`];
  const known = Object.keys((issue.path[0] === "statements" ? statement : dataPlanSchema).shape);
  return issue.keys.map((key) => `${at}the key "${key}" is not known, ${didYouMean(key, known)}`);
}

/** What a draft leaves for a person to say. */
export const TODO = "TODO";

/** The fields that still hold a draft's marker: `why`, `statements.0.loses`. */
export function unfinished(plan: DataPlan): string[] {
  const found: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value === "string" && /\bTODO\b/.test(value)) found.push(path);
    if (typeof value !== "object" || value === null) return;
    for (const [key, member] of Object.entries(value)) look(member, path === "" ? key : `${path}.${key}`);
  };
  look(plan, "");
  return found;
}

/** What people must know of a plan before they say yes; kept with the promotion. */
export type PlanBrief = Pick<
  DataPlan,
  "path" | "sha256" | "why" | "notes" | "rebuild" | "back" | "approvers"
>;

export function briefOf({ path, sha256, why, notes, rebuild, back, approvers }: DataPlan): PlanBrief {
  return { path, sha256, why, notes, rebuild, back, approvers };
}

/** The plans' part of the evidence: their files by path, each with its hash; undefined where there is none. */
export function planEvidence(
  plans: readonly Pick<DataPlan, "path" | "sha256">[],
): Record<string, string> | undefined {
  return plans.length === 0 ? undefined : Object.fromEntries(plans.map((plan) => [plan.path, plan.sha256]));
}
