/** What a data plan covers: where it has said what is lost, a finding whose point is the loss is let through. */
import type { Finding, Suppressed } from "./rule.ts";
import { RULES } from "./rules.ts";

/** A statement that the plan of its migration names. */
export interface PlannedStatement {
  /** The migration's path. */
  path: string;
  fingerprint: string;
  /** The plan's path. */
  plan: string;
  why: string;
}

interface Source {
  path: string;
  statements: readonly { index: number; fingerprint: string }[];
}

const LOSSES = new Set(RULES.filter(({ loss }) => loss === true).map(({ id }) => id));

/** The file's findings, those that its plan lets through marked; what the file itself allows keeps its own reason. */
export function settlePlanned(
  { path, statements }: Source,
  findings: readonly Finding[],
  planned: readonly PlannedStatement[],
): Finding[] {
  const own = planned.filter((one) => one.path === path);
  if (own.length === 0) return [...findings];
  return findings.map((found) => {
    if (found.suppressed !== undefined || !LOSSES.has(found.rule)) return found;
    const fingerprint = statements.find(({ index }) => index === found.statement)?.fingerprint;
    const by = own.find((one) => one.fingerprint === fingerprint);
    return by === undefined ? found : { ...found, suppressed: { reason: by.why, by: by.plan } };
  });
}

/** Why a finding is let through, and by which plan where one does. */
export function whyAllowed({ reason, by }: Suppressed): string {
  return by === undefined ? reason : `${by}: ${reason}`;
}
