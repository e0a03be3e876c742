/** store-export: to be. */
import type { TaskWork } from "../task.ts";

export const storeExportTask: TaskWork<"store-export"> = async () => {
  throw new Error("not there yet");
};
