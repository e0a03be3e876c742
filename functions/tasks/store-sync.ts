/** store-sync: to be. */
import type { TaskWork } from "../task.ts";

export const storeSyncTask: TaskWork<"store-sync"> = async () => {
  throw new Error("not there yet");
};
