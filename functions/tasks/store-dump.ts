/** store-dump: to be. */
import type { TaskWork } from "../task.ts";

export const storeDumpTask: TaskWork<"store-dump"> = async () => {
  throw new Error("not there yet");
};
