/**
 * A process that runs the engine and is killed at a chosen write of a journal line: before it, in the middle of it, or
 * right after it. Arguments: folder, which write (0 for none), and where. Effects of functions go to `effects` in the folder.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { sfnClient } from "./stage.ts";

const [folder = "", at = "0", where = "before"] = process.argv.slice(2);

let writes = 0;
const write = fs.writeSync;
Object.assign(fs, {
  writeSync: (file: number, bytes: Uint8Array, from: number) => {
    writes += 1;
    if (writes !== Number(at)) return write(file, bytes, from);
    if (where === "torn") write(file, bytes.subarray(0, Math.ceil(bytes.length / 2)), 0);
    if (where === "after") write(file, bytes, from);
    process.kill(process.pid, "SIGKILL");
    // Nothing may run between the signal's sending and its coming.
    for (;;);
  },
});
syncBuiltinESMExports();

// Loaded only now, so that it writes through the function above.
const { startStepFunctions } = await import("../../../local/step-functions/index.ts");
const { SendTaskSuccessCommand } = await import("@aws-sdk/client-sfn");

const endpoint = await startStepFunctions({
  folder: join(folder, "engine"),
  onEvent: (event) => {
    if (event.detail.status !== "RUNNING") process.stdout.write(`ended ${event.detail.status}\n`);
  },
  invoke: async (name, payload) => {
    fs.appendFileSync(join(folder, "effects"), `${JSON.stringify({ name, payload })}\n`, { flush: true });
    if (name === "answers-itself")
      await sfnClient(endpoint.url).send(
        new SendTaskSuccessCommand({ taskToken: (payload as { token: string }).token, output: '"answered"' }),
      );
    return { payload: name };
  },
});
process.stdout.write(`ready ${endpoint.url}\n`);
