/** The service as a process of its own, so that a test can kill it: argv[2] is the options as JSON, stdout tells the address. */
import { startStack } from "../../local/stack.ts";

const { folder, server, controlDatabase, killFolder, environment } = JSON.parse(process.argv[2] ?? "{}");
const stack = await startStack({
  folder,
  server,
  controlDatabase,
  reconcileSeconds: 2,
  preload: new URL("./kill-schedule.ts", import.meta.url),
  // Tests fail to sign in all the time, and all from one address.
  environment: { REHEARSAL_LIMIT_FAILURES: "10000", ...environment, REHEARSAL_TEST_KILL_FILE: killFolder },
});
process.stdout.write(
  `${JSON.stringify({ url: stack.url, keys: stack.keys, endpoints: stack.endpoints, variables: stack.variables })}\n`,
);
// The parent holds our standard input: when it is gone, so are we.
process.stdin.resume();
process.stdin.on("end", () => void stack.stop().then(() => process.exit(0)));
