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
  "back-up": ["under-way"],
  restore: ["created", "under-way", "restored"],
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

/**
 * What one promotion each goes through. Those that end promoted die once in every step, at milestones of one rank (each
 * step's first, each step's second …), so that all are visited in as many promotions as the longest step has milestones.
 * A refusal dies at every other of its milestones, and so does a rollback.
 */
export function killSchedules(points: readonly KillPoint[]): KillPoint[][] {
  const schedules = new Map<string, KillPoint[]>();
  const seen = new Map<string, number>();
  for (const point of points) {
    const { step, course } = point;
    const rank = seen.get(`${course} ${step}`) ?? 0;
    seen.set(`${course} ${step}`, rank + 1);
    const schedule = course === "promoted" ? `${rank}` : `${course} ${rank % 2}`;
    schedules.set(schedule, [...(schedules.get(schedule) ?? []), point]);
  }
  return [...schedules.values()];
}
