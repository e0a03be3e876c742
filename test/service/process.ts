/** The service as a process of its own, so that a test can kill it: argv[2] is the options as JSON, stdout tells the address. */
import { mkdirSync } from "node:fs";
import { startStack } from "../../local/stack.ts";
import { startGuard } from "../infra/permissions/guard.ts";

const { folder, server, controlDatabase, killFolder, environment, enforced } = JSON.parse(
  process.argv[2] ?? "{}",
);
// A whole run of the tests is put behind the guard by naming a folder for what it notes.
const { REHEARSAL_TEST_ENFORCED: noted } = process.env;
if (noted !== undefined) mkdirSync(noted, { recursive: true });
const file = noted === undefined ? `${folder}/asked.jsonl` : `${noted}/${process.pid}.jsonl`;
const guard = enforced || noted !== undefined ? await startGuard(file) : undefined;
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
