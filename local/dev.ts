/** `npm run dev` and `rehearsal dev`: the whole service kept running on this machine, with its addresses printed, until Ctrl-C. */
import { createWriteStream } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { databaseUrl, parseDatabaseUrl } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";
import { ensurePlayground } from "./playground.ts";
import { startStack } from "./stack.ts";

const folder = join(process.env.INIT_CWD ?? process.cwd(), ".rehearsal");
const connectionFile = join(folder, "connection.json");

await mkdir(folder, { recursive: true });
// There are keys in it, and the folder may be a repository's.
await writeFile(join(folder, ".gitignore"), "*\n");
const log = createWriteStream(join(folder, "dev.log"), { flags: "a" });
const given = process.env.REHEARSAL_DEV_SERVER;
const stack = await startStack({
  folder: join(folder, "dev"),
  durable: true,
  ...(given && { server: parseDatabaseUrl(given) }),
  onLog: (line) => log.write(`${line}\n`),
}).catch((error: unknown) => {
  if (!(error instanceof RehearsalError)) throw error;
  process.stderr.write(`error: ${error.message}\nhint:  ${error.hint}\ncode:  ${error.code}\n`);
  process.exit(2);
});
const playground = await ensurePlayground(stack.server);
await writeFile(connectionFile, JSON.stringify({ url: stack.url, key: stack.keys.operator }, null, 2), {
  mode: 0o600,
});
/** A link that signs a browser in as whoever has the key, once. */
async function signIn(key: string): Promise<string> {
  const answer = await fetch(`${stack.url}/sign-ins`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
  });
  if (!answer.ok) throw new Error(`no sign-in: ${answer.status} ${await answer.text()}`);
  return stack.url + ((await answer.json()) as { path: string }).path;
}

const lines = {
  "the service": stack.url,
  "the console": `${stack.url}/console`,
  "  as the operator": await signIn(stack.keys.operator),
  "  as the reviewer": `${await signIn(stack.keys.reviewer)} (in another browser, or a private window)`,
  "your key": `${stack.keys.operator} (also in .rehearsal/connection.json, where the command finds it)`,
  "another person's key": `${stack.keys.reviewer} (REHEARSAL_KEY=… rehearsal approve …)`,
  Postgres: databaseUrl(stack.server),
  S3: stack.endpoints.s3,
  "Step Functions": stack.endpoints.stepFunctions,
  EventBridge: stack.endpoints.eventBridge,
  "Secrets Manager": stack.endpoints.secretsManager,
  "Parameter Store": stack.endpoints.parameterStore,
  "mails, as files": stack.mails,
};
for (const [what, value] of Object.entries(lines)) process.stdout.write(`${what.padEnd(21)} ${value}\n`);
process.stdout.write(
  `\nEach link signs you in once, within ten minutes; later paste the key. Two people, for whoever asks for a promotion of a prod
cannot approve it.

It runs until Ctrl-C; what it holds is kept in .rehearsal/dev, what its functions say in .rehearsal/dev.log.

An empty database to try it on, in another terminal in this folder:
  export REHEARSAL_DATABASE_URL='${databaseUrl(playground)}'
  rehearsal env add try --role dev\n`,
);

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
