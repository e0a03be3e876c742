/** The service as a process of its own, so that a test can kill it: argv[2] is the options as JSON, stdout tells the address. */
import { startStack } from "../../local/stack.ts";
import { guardOf } from "../infra/permissions/guard.ts";

const { folder, server, controlDatabase, killFolder, environment, enforced } = JSON.parse(
  process.argv[2] ?? "{}",
);
const guard = await guardOf({ folder, enforced });
const stack = await startStack({
  folder,
  server,
  controlDatabase,
  reconcileSeconds: 2,
  preload: new URL("./kill-schedule.ts", import.meta.url),
  environment: {
    // Tests fail to sign in all the time, and all from one address.
    REHEARSAL_LIMIT_FAILURES: "10000",
    ...environment,
    ...(guard && { REHEARSAL_TEST_GUARD: JSON.stringify(guard.endpoints) }),
    REHEARSAL_TEST_KILL_FILE: killFolder,
  },
});
guard?.open(stack.variables);
process.stdout.write(
  `${JSON.stringify({ url: stack.url, keys: stack.keys, endpoints: stack.endpoints, variables: stack.variables })}\n`,
);
// The parent holds our standard input: when it is gone, so are we.
process.stdin.resume();
process.stdin.on("end", () => void Promise.all([stack.stop(), guard?.stop()]).then(() => process.exit(0)));
