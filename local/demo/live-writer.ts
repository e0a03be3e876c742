/** Quilltap's own process beside a demo: people at work on whichever backend it is told, until it is stopped. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";

/** What it tells in its last line. */
export interface Told {
  backend: string;
  acts: Record<string, number>;
  tokens: number;
  differences: number;
}

export interface LiveWriter {
  /** Tells it to finish what it has begun; throws with its last words unless it ends well. */
  stop(): Promise<Told>;
}

/** Starts it; resolves once it has done its first act. */
export async function startLiveWriter(options: {
  /** The example's folder. */
  example: string;
  backend: "postgres" | "dual" | "json";
  database: DatabaseAddress;
  /** The store's folder. */
  store: string;
  /** What the secrets were sealed with. */
  pepper: string;
}): Promise<LiveWriter> {
  const { example, backend, database, store, pepper } = options;
  const child = spawn(process.execPath, [join(example, "app/live.ts")], {
    env: {
      ...process.env,
      ...{ DATA_BACKEND: backend, DATABASE_URL: databaseUrl(database), DATA_STORE: store },
      QUILLTAP_PEPPER: pepper,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const begun = Promise.withResolvers<void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    lines.push(...text.split("\n").filter(Boolean));
    begun.resolve();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => lines.push(text));
  const ended = new Promise<number | string>((resolve) =>
    child.on("exit", (code, signal) => resolve(code ?? signal ?? "nothing")),
  );
  const failed = ended.then((code) => {
    throw new Error(`the live writer ended with ${code}:\n${lines.slice(-20).join("\n")}`);
  });
  await Promise.race([begun.promise, failed]);
  // From here on `stop` asks how it ended.
  failed.catch(() => undefined);
  return {
    stop: async () => {
      child.kill("SIGTERM");
      const code = await ended;
      if (code !== 0) await failed;
      return JSON.parse(lines.at(-1) ?? "") as Told;
    },
  };
}
