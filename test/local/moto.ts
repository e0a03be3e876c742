/** The outside oracle for our AWS endpoints: moto's server, as a child that ends with its test where it is on the PATH, or as whoever runs the tests serves it. */
import { spawn, spawnSync } from "node:child_process";
import { freePort } from "../../local/postgres.ts";

export interface Moto {
  url: string;
  stop(): Promise<void>;
}

/**
 * What each suite is put to, where there is one: a moto of its own, for that of Step Functions is emptied between machines, and
 * a bucket would go with them. Undefined where moto is neither served nor installed: its cases are then not registered.
 */
export function motoFor(service: "s3" | "step-functions"): (() => Promise<Moto>) | undefined {
  const served = process.env[service === "s3" ? "REHEARSAL_TEST_S3" : "REHEARSAL_TEST_STEP_FUNCTIONS"];
  if (served) return async () => ({ url: served, stop: async () => undefined });
  return spawnSync("moto_server", ["--help"], { stdio: "ignore" }).status === 0 ? startMoto : undefined;
}

/** Starts `moto_server` on a free port of 127.0.0.1 and resolves when it answers. */
async function startMoto(): Promise<Moto> {
  const port = await freePort();
  // A profile of its owner's makes boto, inside moto, look for an account.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_")));
  const child = spawn("moto_server", ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore", env });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  while (child.exitCode === null) {
    const answered = await fetch(`${url}/moto-api/data.json`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) {
      const stop = async () => {
        child.kill("SIGKILL");
        await ended;
      };
      return { url, stop };
    }
    // Not yet: Python takes a second or two to load it.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`moto_server ended with ${child.exitCode}`);
}
