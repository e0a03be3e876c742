/** `npm run dev`: the whole service kept running on this machine, with its addresses printed, until Ctrl-C. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { databaseUrl } from "../core/database-url.ts";
import { startStack } from "./stack.ts";

const folder = join(process.env.INIT_CWD ?? process.cwd(), ".rehearsal");
const connectionFile = join(folder, "connection.json");

const stack = await startStack({
  folder: join(folder, "dev"),
  durable: true,
  onLog: (line) => process.stderr.write(`${line}\n`),
});
await mkdir(folder, { recursive: true });
await writeFile(connectionFile, JSON.stringify({ url: stack.url, key: stack.keys.operator }, null, 2), {
  mode: 0o600,
});
const lines = {
  "the service": stack.url,
  "your key": `${stack.keys.operator} (also in .rehearsal/connection.json, where the command finds it)`,
  "another person's key": `${stack.keys.reviewer} (REHEARSAL_KEY=… rehearsal approve …)`,
  Postgres: databaseUrl(stack.server),
  S3: stack.endpoints.s3,
  "Step Functions": stack.endpoints.stepFunctions,
  EventBridge: stack.endpoints.eventBridge,
  "Secrets Manager": stack.endpoints.secretsManager,
};
for (const [what, value] of Object.entries(lines)) process.stdout.write(`${what.padEnd(21)} ${value}\n`);
process.stdout.write("\nIt runs until Ctrl-C; what it holds is kept in .rehearsal/dev.\n");

let stopping = false;
const stop = async () => {
  if (stopping) return;
  stopping = true;
  await rm(connectionFile, { force: true });
  await stack.stop();
  process.exit(0);
};
process.on("SIGINT", () => void stop());
process.on("SIGTERM", () => void stop());
