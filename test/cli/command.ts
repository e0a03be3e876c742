/** The real command as a process, against the API served over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import * as z from "zod";
import { refusal, shapesOf } from "../../cli/json-shapes.ts";
import { KEY, openWorld, type World } from "../api/world.ts";

export interface Result {
  exit: number | null;
  out: string;
  err: string;
}

export interface RunOptions {
  /** Variables beside the address and the key; undefined takes one away. */
  variables?: Record<string, string | undefined>;
  folder?: string;
  /** What stands on standard input. */
  input?: string;
  /** Called with standard error so far, whenever there is more. */
  onError?: (text: string, child: ChildProcess) => void;
}

const MAIN = fileURLToPath(new URL("../../bin/rehearsal.js", import.meta.url));

/** Runs the command to its end. */
export function runCommand(words: string[], options: RunOptions = {}): Promise<Result> {
  const variables = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ...options.variables,
  };
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: options.folder ?? tmpdir(),
    env: Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined)),
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => {
    out += piece.toString();
  });
  child.stderr.on("data", (piece: Buffer) => {
    err += piece.toString();
    options.onError?.(err, child);
  });
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, out, err }));
  });
}

/** Throws unless a document is one that docs/json.md promises of the command, or a refusal. */
export function assertShape(words: readonly string[], value: unknown): void {
  const tried = [...shapesOf(words), refusal].map((shape) => shape.safeParse(value));
  if (tried.some(({ success }) => success)) return;
  const problems = tried.flatMap(({ error }) => (error ? [z.prettifyError(error)] : []));
  throw new Error(
    `rehearsal ${words.join(" ")} --json wrote what docs/json.md does not know:\n${problems.join("\n")}`,
  );
}

export interface CommandWorld extends World {
  url: string;
  /** Runs the command with this service's address and the tester's key. */
  run(words: string[], options?: RunOptions): Promise<Result>;
  /** The same with --json; the document it wrote. */
  json<T>(words: string[], options?: RunOptions): Promise<{ exit: number | null; value: T; err: string }>;
  /** A folder of its own with these files, removed at the end. */
  folder(files?: Record<string, string>): Promise<string>;
}

export async function openCommandWorld(): Promise<CommandWorld> {
  const world = await openWorld();
  const folders: string[] = [];
  const server = serve({ fetch: world.app.fetch, port: 0, hostname: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = (words: string[], options: RunOptions = {}) =>
    runCommand(words, {
      ...options,
      variables: { REHEARSAL_URL: url, REHEARSAL_KEY: KEY, ...options.variables },
    });
  return {
    ...world,
    url,
    run,
    json: async <T>(words: string[], options?: RunOptions) => {
      const { exit, out, err } = await run([...words, "--json"], options);
      const value = JSON.parse(out) as T;
      assertShape(words, value);
      return { exit, value, err };
    },
    folder: async (files = {}) => {
      const folder = await mkdtemp(join(tmpdir(), "rehearsal-cli-"));
      folders.push(folder);
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
      return folder;
    },
    close: async () => {
      await new Promise((resolve) => server.close(resolve));
      await world.close();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
}
