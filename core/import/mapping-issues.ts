/** What is wrong with a mapping's form, in words: an unknown key with what was probably meant. */
import type * as z from "zod";
import { didYouMean } from "../did-you-mean.ts";

/** An issue for each problem; what a key might have been stands in the issue's own `params`, where a union chose by key. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], known: KnownKeys): string[] {
  return issues.flatMap((issue) => describe(issue, known));
}

/** The keys that a place knows. */
type KnownKeys = (path: readonly PropertyKey[]) => readonly string[];

function describe(issue: z.core.$ZodIssue, known: KnownKeys): string[] {
  const where = issue.path.map(String).join(".");
  const at = where === "" ? "" : `${where}: `;
  if (issue.code === "invalid_key") return issue.issues.map(({ message }) => `${at}${message}`);
  if (issue.code !== "unrecognized_keys") return [`${at}${issue.message}`];
  const keys = known(issue.path);
  return issue.keys.map((key) => `${at}the key "${key}" is not known, ${didYouMean(key, keys)}`);
}
