/** Loaded into a sandbox: tells now and then what its heap holds once the garbage is gone. What grows there is a leak. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Milliseconds between two words. */
const EVERY = 2_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

setInterval(() => {
  collect();
  console.log(JSON.stringify({ heap: getHeapStatistics().used_heap_size }));
}, EVERY).unref();
