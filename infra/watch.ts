/** What calls somebody: the alarms as plain data. Each has a page of its name in docs/operations/, with what to do. */
import type { MetricName } from "../core/metrics.ts";
import type { Settings } from "./settings.ts";

export interface Watch {
  /** The alarm's name behind the stage's, and the page's. */
  name: string;
  /** What the mail says: what is wrong, in one sentence. */
  says: string;
  /** One of ours, the queue of what was given up, or the gateway's own. */
  of: { metric: MetricName } | "dead-letters" | "api-5xx";
  statistic: "Sum" | "Maximum" | "SampleCount";
  /** Called when the statistic is at least this, or, where nothing is what is wrong, less than it. */
  atLeast?: number;
  lessThan?: number;
  /** Seconds of one period, and how many of them in a row must be so. */
  period: number;
  periods: number;
}

const MINUTE = 60;
const DAY = 86_400;

/** A fact that happens once and has to be seen: called in the first minutes. */
const fact = (name: string, metric: MetricName, says: string): Watch => ({
  ...{ name, says, of: { metric }, statistic: "Sum", atLeast: 1, period: 5 * MINUTE, periods: 1 },
});

/** Ten, which is what CloudWatch asks nothing for: whoever adds one pays ten cents a month for it in every stage. */
export function watches({ alarms }: Pick<Settings, "alarms">): Watch[] {
  return [
    fact(
      "promotion-held",
      "PromotionHeld",
      "A promotion can go neither on nor back: its environment is locked until an operator ends it.",
    ),
    fact(
      "promotion-rolled-back",
      "PromotionRolledBack",
      "Production was put back behind a migration that had been committed.",
    ),
    fact(
      "verification-failed",
      "VerificationFailed",
      "After a migration production was not as it was rehearsed.",
    ),
    fact(
      "backup-refused",
      "BackupRefused",
      "A backup did not come back from its restore as what was backed up.",
    ),
    {
      name: "verified-backup-old",
      says: `An environment's newest proved backup is older than ${alarms.backupAgeDays} days.`,
      ...{ of: { metric: "VerifiedBackupAge" }, statistic: "Maximum", atLeast: alarms.backupAgeDays * DAY },
      ...{ period: DAY, periods: 1 },
    },
    {
      name: "log-chain-broken",
      says: "The promotion log, or a copy of it in the bucket, is not what was written.",
      ...{
        of: { metric: "LogChainBroken" },
        statistic: "Maximum",
        atLeast: 1,
        period: 5 * MINUTE,
        periods: 1,
      },
    },
    {
      name: "audit-silent",
      says: "Nobody has looked at the log and the backups for two days.",
      ...{ of: { metric: "LogChainBroken" }, statistic: "SampleCount", lessThan: 1, period: DAY, periods: 2 },
    },
    {
      name: "dead-letters",
      says: "An event or a call of the clock was given up: no attempt of its function took it.",
      ...{ of: "dead-letters", statistic: "Maximum", atLeast: 1, period: 5 * MINUTE, periods: 1 },
    },
    {
      name: "outbox-stuck",
      says: "What the ledger has committed has not reached the bucket or the bus for an hour.",
      ...{
        of: { metric: "OutboxAge" },
        statistic: "Maximum",
        atLeast: 60 * MINUTE,
        period: 5 * MINUTE,
        periods: 1,
      },
    },
    {
      name: "api-failing",
      says: "The API answers with errors of its own.",
      ...{ of: "api-5xx", statistic: "Sum", atLeast: 5, period: 5 * MINUTE, periods: 1 },
    },
  ];
}
