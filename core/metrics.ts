/** What is measured of the service while it runs: each metric's name, unit and meaning. Alarms, dashboard and docs are made from this table. */
import type { ErrorCode } from "./errors.ts";
import type { EventContent } from "./log.ts";
import { STEPS } from "./steps.ts";

/** What a metric can be told apart by; each value of each makes a metric of its own, which is paid for. */
type Dimension = "environment" | "step";

export interface Metric {
  /** As CloudWatch has it. */
  unit: "Count" | "Seconds" | "Bytes";
  /** How points of one period are put together: how many there were, or the worst of them. */
  statistic: "Sum" | "Maximum";
  /** One sentence. */
  meaning: string;
  /** What else it is told by than by nothing: of the whole service there is always one without a dimension. */
  by: readonly Dimension[];
}

const count = (meaning: string, by: readonly Dimension[] = ["environment"]): Metric => ({
  unit: "Count",
  statistic: "Sum",
  meaning,
  by,
});

const worst = (
  unit: Metric["unit"],
  meaning: string,
  by: readonly Dimension[] = ["environment"],
): Metric => ({ unit, statistic: "Maximum", meaning, by });

export const METRICS = {
  PromotionStarted: count("A promotion was asked for and admitted to the ledger."),
  PromotionPromoted: count("A promotion ended well: production is on the new release."),
  PromotionRefused: count("A promotion ended before anything was committed; production is as it was."),
  PromotionRolledBack: count("Production was put back behind a migration that had been committed."),
  PromotionHeld: count("A promotion can go neither on nor back by itself: an operator is needed."),
  PromotionsHeld: worst("Count", "Promotions that are held now, each with its environment locked.", []),
  VerificationFailed: count(
    "After a migration production was not as it was rehearsed: its shape, a check, what had to stay, or the smoke hook.",
  ),
  StepFailed: count("An attempt of a step failed; the machine may have tried it again.", [
    "environment",
    "step",
  ]),
  StepSeconds: worst("Seconds", "How long an attempt of a step took, until the ledger knew of its end.", [
    "step",
  ]),
  TaskFailed: count("A task beside promotions ended badly: a backup, a restore, an expiry, an export."),
  RecordPruned: count(
    "The working material of an archived record was deleted, by its policy and sealed in a bundle.",
  ),
  RecordRestored: count("What a prune had deleted of a record was brought back."),
  PruneFailed: count("A prune ended badly, or left records half done: the reconciler goes on with those."),
  RecordsReturned: count(
    "An older state of a database took an environment's place, in which records have what was pruned of them.",
  ),
  BackupBytes: worst("Bytes", "Bytes in the bucket that a new backup added."),
  BackupSeconds: worst("Seconds", "How long the taking of a backup lasted."),
  BackupRefused: count("A backup did not come back from its restore as what was backed up."),
  BackupExpired: count("A backup's time was over, and its objects are gone."),
  VerifiedBackupAge: worst(
    "Seconds",
    "The age of an environment's newest backup that a restore has proved; without one, the time since it was registered.",
  ),
  LogChainBroken: worst(
    "Count",
    "1 when the promotion log's chain, a copy of it in the bucket, or the ledger's own copy does not hold; 0 when all that was looked at does.",
    [],
  ),
  DriftFound: count("A database departs from what was promised of it in a way that was not known before."),
  DriftUnseen: count("A database could not be looked at for drift: it was away, or too busy."),
  DeliveryUndeliverable: count("A notice was given up: its destination took it at no attempt.", []),
  OutboxAge: worst("Seconds", "How long the oldest committed event has waited to be told outside.", []),
  AccessRefused: count("Somebody who is known asked for what they may not.", []),
  RequestFailed: count(
    "The API answered with an error that nobody foresaw; the log has it by its number.",
    [],
  ),
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** The namespace of a stage's metrics: two stages in one account are never added up. */
export function metricNamespace(stage: string): string {
  return `Rehearsal/${stage}`;
}

/** One thing that was measured. */
export interface Measure {
  name: MetricName;
  value: number;
  /** What is known of it by the metric's dimensions. */
  by?: Partial<Record<Dimension, string>>;
  /** Told beside it, for whoever searches the log. */
  about?: { promotion?: string; task?: string; attempt?: number; event?: number };
}

/** Failures of a step that mean: production, or what answers for it, is not as it was rehearsed. */
const UNLIKE_REHEARSED: ReadonlySet<unknown> = new Set<ErrorCode>([
  "ShapeUnexpected",
  "CheckFailed",
  "KeptDataChanged",
  "LossBeyondPlan",
  "HookFailed",
]);

/** What an event of the promotion log counts for; most count for nothing. */
export function measuresOf({ seq, type, environment, promotion, data }: EventContent): Measure[] {
  const facts = new Map(Object.entries((data ?? {}) as object));
  const about = { event: seq, ...(promotion !== null && { promotion }) };
  const one = (name: MetricName, value = 1): Measure => ({
    name,
    value,
    about,
    ...(environment !== null && { by: { environment } }),
  });
  const counted = COUNTED[type];
  if (counted !== undefined) return [one(counted)];
  if (type === "backup.taken") {
    const { bytes, seconds } = { bytes: facts.get("bytes"), seconds: facts.get("seconds") };
    return [
      ...(typeof bytes === "number" ? [one("BackupBytes", bytes)] : []),
      ...(typeof seconds === "number" ? [one("BackupSeconds", seconds)] : []),
    ];
  }
  const step = STEPS.find((name) => type === `${name}.failed`);
  if (step === undefined) return [];
  const failed = one("StepFailed");
  const looked = step === "migrate" || step === "verify";
  return [
    { ...failed, by: { ...failed.by, step } },
    ...(looked && UNLIKE_REHEARSED.has(facts.get("code")) ? [one("VerificationFailed")] : []),
  ];
}

/** One for each event of that type. */
const COUNTED: Readonly<Record<string, MetricName>> = {
  "promotion.created": "PromotionStarted",
  "promotion.succeeded": "PromotionPromoted",
  "promotion.refused": "PromotionRefused",
  "promotion.rolled-back": "PromotionRolledBack",
  "promotion.held": "PromotionHeld",
  "task.failed": "TaskFailed",
  "record.pruned": "RecordPruned",
  "record.restored": "RecordRestored",
  "prune.failed": "PruneFailed",
  "environment.records-returned": "RecordsReturned",
  "backup.refused": "BackupRefused",
  "backup.expired": "BackupExpired",
  "environment.drift-found": "DriftFound",
  "notice.undeliverable": "DeliveryUndeliverable",
  "access.refused": "AccessRefused",
};
