/** What is wanted of a backup and a restore, beside what the rounds measured. */
import { middle } from "../middle.ts";
import type { Outcome } from "./child.ts";
import type { Figure } from "./page.ts";

/** What one round measured. */
export interface Round {
  backup: Outcome;
  baseline: Outcome;
  restore: Outcome;
  /** A restore of the same rows without what stands on them: in that of everything they are loaded while indexes are built. */
  rows: Outcome;
  peers?: {
    standard: { seconds: number; bytes: number };
    fast: { seconds: number; bytes: number };
    floor: number;
    data: number;
    whole: number;
    analyze: number;
  };
}

/** A second backup beside the first. */
export function second(
  what: string,
  outcomes: Outcome[],
  median: (of: (round: Round) => number) => number,
): Figure {
  return {
    what: `second backup, ${what}`,
    ours: middle(outcomes.map(({ seconds }) => seconds)),
    against: { name: "the first", value: median(({ backup }) => backup.seconds) },
    unit: "s",
    wanted: 0.25,
  };
}

/** Ours beside each of the peers. */
export function ratios(median: (of: (round: Round) => number) => number): Figure[] {
  const peer = (of: (peers: NonNullable<Round["peers"]>) => number) =>
    median(({ peers }) => (peers === undefined ? Number.NaN : of(peers)));
  const backup = median((round) => round.backup.seconds);
  const against = (name: string, value: number) => ({ name, value });
  return [
    {
      what: "backup",
      ours: backup,
      against: against(
        "pg_dump -Fd -j2",
        peer(({ standard }) => standard.seconds),
      ),
      unit: "s",
      wanted: 0.4,
    },
    {
      what: "backup",
      ours: backup,
      against: against(
        "pg_dump -Fd -j2 -Z1",
        peer(({ fast }) => fast.seconds),
      ),
      unit: "s",
      wanted: 0.75,
    },
    {
      what: "backup",
      ours: backup,
      against: against(
        "two psql COPY to /dev/null",
        peer(({ floor }) => floor),
      ),
      unit: "s",
      wanted: 1.5,
    },
    {
      what: "objects",
      ours: median((round) => round.backup.storedBytes) / 1e6,
      against: against("pg_dump -Fd", peer(({ standard }) => standard.bytes) / 1e6),
      unit: "MB",
      wanted: 1,
    },
    {
      what: "restore of the rows",
      ours: median((round) => round.rows.dataSeconds),
      against: against(
        "pg_restore -j2 --section=data",
        peer(({ data }) => data),
      ),
      unit: "s",
      wanted: 0.85,
    },
    {
      what: "restore, with ANALYZE",
      ours: median((round) => round.restore.seconds),
      against: against(
        "pg_restore -j2",
        peer(({ whole }) => whole),
      ),
      unit: "s",
      wanted: 1,
    },
    {
      what: "restore, with ANALYZE",
      ours: median((round) => round.restore.seconds),
      against: against(
        "pg_restore -j2, vacuumdb",
        peer(({ whole, analyze }) => whole + analyze),
      ),
      unit: "s",
      wanted: 1,
    },
  ];
}

/** Bytes that must not be more than the product may ever take. */
export function limit(what: string, bytes: number): Figure {
  return { what, ours: bytes / 1e6, against: undefined, unit: "MB", wanted: 400 };
}
