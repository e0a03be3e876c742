/** The service inside the test's own process, so that a test can call its functions by hand, lose replies and put up gates. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DescribeExecutionCommand, SFNClient } from "@aws-sdk/client-sfn";
import type { DatabaseAddress } from "../../core/database-url.ts";
import { executionArn } from "../../io/step-functions.ts";
import { type Stack, type StackOptions, startStack } from "../../local/stack.ts";
import { type Guard, guardOf } from "../infra/permissions/guard.ts";
import { dropDatabases } from "../postgres.ts";
import { Service } from "./service.ts";

export type LocalOptions = Pick<
  StackOptions,
  | "bundles"
  | "runtime"
  | "preload"
  | "environment"
  | "limits"
  | "around"
  | "onLog"
  | "reconcileSeconds"
  | "notifySeconds"
  | "container"
  | "heartbeatSeconds"
>;

export interface Gate {
  /** Resolves when a sandbox has come to it. */
  reached(): Promise<void>;
  /** Lets that sandbox go on. */
  open(): void;
}

export class LocalService extends Service {
  readonly #options: LocalOptions;
  #stack: Stack | undefined;
  #guard: Guard | undefined;
  #gates = 0;

  constructor(server: DatabaseAddress, name: string, options: LocalOptions = {}) {
    super(server, name);
    this.#options = options;
  }

  override async start(): Promise<this> {
    mkdirSync(this.#folder, { recursive: true });
    this.#guard = await guardOf({ folder: this.folder, enforced: false });
    this.#stack = await startStack({
      folder: this.folder,
      server: this.server,
      controlDatabase: this.controlDatabase,
      preload: new URL("./gate.ts", import.meta.url),
      reconcileSeconds: 2,
      // Its REPORT lines would stand between the tests' own.
      onLog: () => undefined,
      ...this.#options,
      environment: {
        REHEARSAL_TEST_GATES: this.#folder,
        REHEARSAL_STORES: tmpdir(),
        ...(this.#guard && { REHEARSAL_TEST_GUARD: JSON.stringify(this.#guard.endpoints) }),
        ...this.#options.environment,
      },
    });
    this.#guard?.open(this.#stack.variables);
    const { url, keys, variables } = this.#stack;
    Object.assign(this, { url, keys, variables });
    return this;
  }

  override async stop(): Promise<void> {
    await this.#stack?.stop();
    await this.#guard?.stop();
    rmSync(this.folder, { recursive: true, force: true });
    await dropDatabases(this.control);
  }

  get stack(): Stack {
    if (this.#stack === undefined) throw new Error("the service was not started");
    return this.#stack;
  }

  get control(): DatabaseAddress {
    return { ...this.server, database: this.controlDatabase };
  }

  /**
   * Stops the next sandbox that passes the milestone `STEP:POINT`: it waits there, or dies with its answer unsaid, by
   * itself or of its memory.
   */
  gate(point: string, does: "waits" | "dies" | "fills" = "waits"): Gate {
    const file = (state: string) => join(this.#folder, `${point}#${number}.${does}.${state}`);
    const number = ++this.#gates;
    writeFileSync(file("up"), "");
    return {
      reached: () => until(() => existsSync(file("reached"))),
      open: () => writeFileSync(file("open"), ""),
    };
  }

  /** How far the machine is with a promotion, which may be a word behind or ahead of the ledger: "RUNNING", "SUCCEEDED" … */
  async executionStatus(promotion: string): Promise<string | undefined> {
    const client = new SFNClient({ endpoint: this.stack.endpoints.stepFunctions });
    const arn = executionArn(this.variables.REHEARSAL_PROMOTION_MACHINE ?? "", promotion);
    try {
      return (await client.send(new DescribeExecutionCommand({ executionArn: arn }))).status;
    } finally {
      client.destroy();
    }
  }

  get #folder(): string {
    return join(this.folder, "gates");
  }
}

/** Waits for a condition of the outside; the test's own time-out ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(20);
}
