/** A host of one container, which a test can kill: argv[2] is the container's variables as JSON. */
import { startContainers } from "../../local/ecs/containers.ts";
import { taskOf } from "./order.ts";

const containers = startContainers({
  entry: new URL("../../functions/container/main.ts", import.meta.url),
  environment: JSON.parse(process.argv[2] ?? "{}"),
});
await containers.runTask(taskOf({}));
// The container alone would keep nobody alive.
setInterval(() => undefined, 60_000);
