/** The points that a commit of a store passes, told to whoever listens in the process: the kill schedule in tests. */
import { channel } from "node:diagnostics_channel";

const milestones = channel("rehearsal:store-milestone");

export interface StoreMilestone {
  place: string;
  /** `contents`, `large`, `committed`, then `file` behind each of them, `settled`; in a folder `drafted` and `cut` amid a write. */
  point: string;
}

/** Tells the listeners, synchronously, that a point was passed; costs nothing when nobody listens. */
export function storeMilestone(place: string, point: string): void {
  if (milestones.hasSubscribers) milestones.publish({ place, point } satisfies StoreMilestone);
}
