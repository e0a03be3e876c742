/** Every milestone at which the kill tests kill the service: before and after the effect of every step. */

export interface KillPoint {
  /** The row of the fault table: 39 for the rollback's own, 1 for the others. */
  fault: 1 | 39;
  step: string;
  point: string;
  /** How the promotion ends when nobody is killed; it must end so all the same. */
  course: "promoted" | "rolled-back" | "refused";
}

/** What lies between `begun` and `effect`, which every step passes, as it does `recorded`. `under-way` is told with each progress. */
const INSIDE: Record<string, string[]> = {
  admit: [],
  snapshot: [],
  // `exported`, `planned` and `copied`, and those of its workers, have tests of their own in shared-backup.test.ts.
  "back-up": ["under-way"],
  // `taken` is only passed by an attempt that goes on, so it stands where the same promotion is killed before it.
  restore: ["created", "under-way", "kept-object", "kept-entry", "taken", "filled", "restored"],
  rehearse: ["cloned", "swapped"],
  decide: [],
  // Nobody writes here before the fence; `refreshed` has a test of its own in going-back.test.ts.
  fence: ["stopped", "closed", "saved"],
  // `slice` and `yielded`, of backfills in slices, have tests of their own in batches.test.ts.
  migrate: ["in-transaction", "applied", "verified", "committed", "outside"],
  verify: ["compared", "counted", "exposed"],
  open: ["opened"],
};

const INSIDE_ENDS: Record<string, string[]> = {
  refuse: ["let-in"],
  "roll-back": ["closed", "prepared", "renamed", "swapped", "stored"],
};

const points = (inside: string[] = []) => ["begun", ...inside, "effect", "recorded"];

export const KILL_POINTS: KillPoint[] = [
  ...Object.entries(INSIDE).flatMap(([step, inside]) =>
    points(inside).map((point): KillPoint => ({ fault: 1, step, point, course: "promoted" })),
  ),
  ...points(INSIDE_ENDS.refuse).map(
    (point): KillPoint => ({ fault: 1, step: "refuse", point, course: "refused" }),
  ),
  ...points(INSIDE_ENDS["roll-back"]).map(
    (point): KillPoint => ({ fault: 39, step: "roll-back", point, course: "rolled-back" }),
  ),
];

/** In how many promotions of its course the milestones of a step are visited. */
const PROMOTIONS: Record<KillPoint["course"], number> = { promoted: 4, refused: 1, "rolled-back": 2 };

/**
 * What one promotion each goes through: it dies in every step of its course at every fourth, or second, of its milestones,
 * each time in another attempt.
 */
export function killSchedules(): KillPoint[][] {
  const schedules = new Map<string, KillPoint[]>();
  const seen = new Map<string, number>();
  for (const point of KILL_POINTS) {
    const { step, course } = point;
    const rank = seen.get(`${course} ${step}`) ?? 0;
    seen.set(`${course} ${step}`, rank + 1);
    const schedule = `${course} ${rank % PROMOTIONS[course]}`;
    schedules.set(schedule, [...(schedules.get(schedule) ?? []), point]);
  }
  return [...schedules.values()];
}
