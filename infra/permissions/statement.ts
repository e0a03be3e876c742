/** What IAM is told, and how the grants are written: a permission in words beside the statements that it is in AWS. */
import type { Deployment } from "../deployment.ts";
import type { Reach } from "./reach.ts";

export interface Statement {
  Sid: string;
  Effect: "Allow";
  Action: string[];
  Resource: string[];
  Condition?: Condition;
}

/** By operator and key: `{ StringLike: { "s3:prefix": ["log/*"] } }`. */
export type Condition = Record<string, Record<string, string | string[]>>;

/** A right that a function can have; several of them are a role. */
export interface Grant {
  /** As the page on permissions says it, after "may". */
  words: string;
  /** None where the settings name nothing that it could be about. */
  statements(d: Deployment, reach: Reach): Statement[];
}

export function grant(words: string, statements: Grant["statements"]): Grant {
  return { words, statements };
}

/** A statement without what is the same in all of ours. */
export function allow(sid: string, actions: string[], resources: string[], condition?: Condition): Statement {
  return {
    Sid: sid,
    Effect: "Allow",
    Action: actions,
    Resource: resources,
    ...(condition && { Condition: condition }),
  };
}

/** None where there is nothing that it would be about: IAM refuses a statement without a resource. */
export function allowAny(
  sid: string,
  actions: string[],
  resources: string[],
  condition?: Condition,
): Statement[] {
  return resources.length === 0 ? [] : [allow(sid, actions, resources, condition)];
}

/** `backups/` becomes `Backups`, `roll-back` becomes `RollBack`: a Sid takes letters and digits. */
export function sidOf(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
