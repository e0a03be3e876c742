/** store-import: to be. */
import type { TaskWork } from "../task.ts";

export const storeImportTask: TaskWork<"store-import"> = async () => {
  throw new Error("not there yet");
};
