/** The service under test: real processes on a real server, spoken to over HTTP as a user would. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { buildBundle } from "../../core/release.ts";
import { dropDatabases } from "../postgres.ts";

export interface Detail {
  id: string;
  status: string;
  environment: string;
  evidence: string | null;
  error: { code: string; message: string; hint: string } | null;
  steps: { step: string; attempt: number; status: string; outcome: Record<string, unknown> | null }[];
  approval?: { status: string };
}

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** As vitest.config.ts has it for the tests' own processes. */
const ONE_TIER = [
  ...["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"],
  ...["--no-opt", "--no-maglev", "--single-threaded"],
];

/** One service with its own folder and control database; it can be killed and started again. */
export class Service {
  url = "";
  keys = { operator: "", reviewer: "" };
  variables: Record<string, string> = {};
  readonly folder: string;
  readonly controlDatabase: string;
  readonly server: DatabaseAddress;
  #child: ChildProcess | undefined;
  #exit: Promise<NodeJS.Signals | number | null> | undefined;

  readonly #within: readonly string[];
  readonly #environment: Record<string, string>;
  readonly #enforced: boolean;

  /**
   * `within`: a command that runs the process, which is put behind it; it must become the process, not its parent.
   * `environment`: more variables for the functions. `permissions`: each function may do what its role in AWS may, and no more.
   */
  constructor(
    server: DatabaseAddress,
    name: string,
    options: {
      within?: readonly string[];
      environment?: Record<string, string>;
      permissions?: "enforced";
    } = {},
  ) {
    this.#enforced = options.permissions === "enforced";
    this.#within = options.within ?? [];
    this.#environment = options.environment ?? {};
    this.server = server;
    this.folder = join(ROOT, ".rehearsal", "test", String(process.pid), name);
    this.controlDatabase = `control_${process.pid}_${name}`;
  }

  /** Starts the process, or starts it again on what the last one left. */
  async start(): Promise<this> {
    mkdirSync(this.#kills, { recursive: true });
    const options = {
      folder: this.folder,
      server: this.server,
      controlDatabase: this.controlDatabase,
      killFolder: this.#kills,
      environment: this.#environment,
      enforced: this.#enforced,
    };
    const [command = "", ...rest] = [
      ...this.#within,
      ...[process.execPath, ...ONE_TIER, join(ROOT, "test/service/process.ts"), JSON.stringify(options)],
    ];
    const child = spawn(command, rest, {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child = child;
    this.#exit = new Promise((resolve) => child.on("exit", (code, signal) => resolve(signal ?? code)));
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([
      new Promise<string>((resolve) => lines.once("line", resolve)),
      this.#exit.then((how) => {
        throw new Error(`the service ended at its start: ${how}`);
      }),
    ]);
    Object.assign(this, JSON.parse(first));
    return this;
  }

  /** Arms a kill at each of the milestones, and at no others; it fires once, in whatever process passes it first. */
  killAt(...points: string[]): void {
    rmSync(this.#kills, { recursive: true, force: true });
    mkdirSync(this.#kills, { recursive: true });
    for (const point of points) writeFileSync(join(this.#kills, `${point}.armed`), "");
  }

  /** The armed kills that nobody came to. */
  unfired(): string[] {
    const names = readdirSync(this.#kills);
    return names.filter(
      (name) => name.endsWith(".armed") && !names.includes(name.replace(/armed$/, "fired")),
    );
  }

  /** What functions asked for and were not granted; empty where permissions are not enforced. */
  denied(): string[] {
    const file = join(this.folder, "asked.jsonl");
    const asked = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    const rights = asked.map(
      (line) => JSON.parse(line) as { caller: string; action: string; resource: string; by: string | null },
    );
    const denied = rights.filter(({ by }) => by === null);
    return [...new Set(denied.map(({ caller, action, resource }) => `${caller} ${action} ${resource}`))];
  }

  get #kills(): string {
    return join(this.folder, "kills");
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves with the signal or code that ended the process. */
  async ended(): Promise<NodeJS.Signals | number | null> {
    if (this.#exit === undefined) throw new Error("the service was never started");
    return this.#exit;
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.ended();
  }

  async stop(): Promise<void> {
    this.#child?.stdin?.end();
    await this.#exit;
    rmSync(this.folder, { recursive: true, force: true });
    await dropDatabases({ ...this.server, database: this.controlDatabase });
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    options: { key?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${options.key ?? this.keys.operator}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as T };
  }

  /** Like `call`, and throws unless the answer is 2xx. */
  async must<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    key?: string,
  ): Promise<T> {
    const answer = await this.call<T>(method, path, body, key === undefined ? {} : { key });
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async register(name: string, address: DatabaseAddress, policy: object = {}, role: "prod" | "dev" = "prod") {
    await this.must("POST", "/environments", { name, role, url: databaseUrl(address), policy });
  }

  /** Builds a bundle of the files and uploads it as the command does; returns its hash. */
  async release(files: Record<string, string>): Promise<string> {
    const bundle = buildBundle(
      Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
    );
    const asked = await this.must<{
      known?: boolean;
      upload?: { url: string; headers: Record<string, string> };
    }>("POST", "/releases", {
      manifest: bundle.manifest,
      sha256: sha256(bundle.bytes),
      size: bundle.bytes.length,
    });
    if (asked.upload) {
      const put = await fetch(asked.upload.url, {
        method: "PUT",
        headers: asked.upload.headers,
        body: new Uint8Array(bundle.bytes),
      });
      if (!put.ok) throw new Error(`upload: ${put.status} ${await put.text()}`);
      await this.must("POST", `/releases/${bundle.hash}`);
    }
    return bundle.hash;
  }

  async promote(environment: string, release: string): Promise<string> {
    return (await this.must<{ id: string }>("POST", "/promotions", { environment, release })).id;
  }

  async show(id: string): Promise<Detail> {
    return this.must<Detail>("GET", `/promotions/${id}`);
  }

  /** Waits until the promotion has one of the statuses; throws when it ends otherwise. */
  async until(id: string, ...statuses: string[]): Promise<Detail> {
    const deadline = Date.now() + 150_000;
    for (;;) {
      const detail = await this.show(id);
      if (statuses.includes(detail.status)) return detail;
      const over = !["created", "running", "waiting"].includes(detail.status);
      if (over || Date.now() > deadline)
        throw new Error(
          `${id} is ${detail.status}, not ${statuses.join(" or ")}: ${JSON.stringify(detail, null, 1)}`,
        );
      // Each look is a request, and takes from the promotion that is looked at.
      await pause(300);
    }
  }

  /** Waits for any end. */
  ending(id: string): Promise<Detail> {
    return this.until(id, "promoted", "nothing-to-do", "rehearsed", "refused", "rolled-back", "held");
  }
}
