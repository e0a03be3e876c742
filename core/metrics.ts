/** What is measured of the service while it runs: each metric's name, unit and meaning. Alarms, dashboard and docs are made from this table. */

/** What a metric can be told apart by; each value of each makes a metric of its own, which is paid for. */
export type Dimension = "environment" | "step";

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
    "1 when the promotion log's chain, or a copy of it in the bucket, does not hold; 0 when all that was looked at does.",
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
