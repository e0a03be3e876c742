/** store-cutover: to be. */
import type { TaskWork } from "../task.ts";

export const storeCutoverTask: TaskWork<"store-cutover"> = async () => {
  throw new Error("not there yet");
};
