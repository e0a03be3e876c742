/** store-verify: to be. */
import type { TaskWork } from "../task.ts";

export const storeVerifyTask: TaskWork<"store-verify"> = async () => {
  throw new Error("not there yet");
};
