/** A sandbox that is a process of its own, spoken to by the Runtime API alone: as on AWS, it can be killed, and dies of its memory, without anybody else. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { EnvironmentOptions, Sandbox, Told } from "./execution-environment.ts";
import { exited } from "./failure.ts";
import { startRuntimeApi } from "./runtime-api.ts";
import { newLogStream, variablesOf } from "./variables.ts";

const BOOTSTRAP = fileURLToPath(new URL("./bootstrap.ts", import.meta.url));

/** Runs the function under our own runtime, or under another that is given as a file: AWS's own client is one. */
export function startProcess(
  options: EnvironmentOptions & { runtime?: string | undefined },
  tell: Told,
): Sandbox {
  const gone = Promise.withResolvers<void>();
  let ending = false;
  const started = startRuntimeApi(tell).then((api) => {
    const child = spawn(
      process.execPath,
      [
        ...(options.preload === undefined ? [] : ["--import", options.preload.href]),
        options.runtime ?? BOOTSTRAP,
      ],
      {
        env: {
          ...variablesOf(options, newLogStream(options.version)),
          AWS_LAMBDA_RUNTIME_API: api.address,
          NODE_COMPILE_CACHE: options.compileCache,
        },
        stdio: ["pipe", "pipe", "pipe"],
      },
    );
    if (ending) child.kill("SIGKILL");
    for (const stream of [child.stdout, child.stderr]) {
      const line = options.onLog ?? ((text: string) => process.stderr.write(`${text}\n`));
      createInterface({ input: stream }).on("line", line);
    }
    // An idle environment must not keep the host alive; a busy one does so by its time-out.
    child.unref();
    for (const stream of [child.stdin, child.stdout, child.stderr])
      if ("unref" in stream && typeof stream.unref === "function") stream.unref();
    child.on("error", (error) => {
      options.onLog?.(String(error));
      tell.ended((requestId) => exited(requestId, 1));
      gone.resolve();
    });
    child.on("exit", (status, signal) => {
      tell.ended((requestId) => exited(requestId, status ?? 1, signal));
      api.stop();
      gone.resolve();
    });
    return { api, child };
  });
  return {
    give: (invocation) => void started.then(({ api }) => api.give(invocation)),
    memory: async () => residentBytes((await started).child.pid ?? 0),
    end: async () => {
      ending = true;
      (await started).child.kill("SIGKILL");
      await gone.promise;
    },
  };
}

/** What the kernel counts, as Lambda's limit does; V8's own figures leave out most of what a process takes. */
async function residentBytes(pid: number): Promise<number> {
  if (!existsSync("/proc/self/status")) {
    const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
    return Number(stdout) * 1024;
  }
  const [, kilobytes = "0"] =
    /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}
