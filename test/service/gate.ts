/**
 * Loaded in every sandbox of a service under test: at a milestone for which the test has put up a gate, this sandbox
 * waits until it is let through, or dies there with its function's answer unsaid: by itself, or of the memory that it
 * takes. Each gate stops one sandbox, once.
 */
import { subscribe } from "node:diagnostics_channel";
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Milestone } from "../../io/milestone.ts";
import "./guarded.ts";

const { REHEARSAL_TEST_GATES: folder, REHEARSAL_TEST_SKEW: skew } = process.env;

if (skew !== undefined) shiftClock(skewOf(skew, process.env.AWS_LAMBDA_FUNCTION_NAME ?? ""));

subscribe("rehearsal:milestone", (message) => {
  if (folder === undefined) return;
  const { step, point } = message as Milestone;
  const gate = readdirSync(folder).find(
    (name) => name.startsWith(`${step}:${point}#`) && name.endsWith(".up"),
  );
  if (gate === undefined) return;
  const at = (state: string) => join(folder, gate.replace(/up$/, state));
  try {
    // Of two that come at once one is stopped.
    renameSync(at("up"), at("reached"));
  } catch {
    return;
  }
  if (gate.includes(".dies.")) process.exit(1);
  const taken: Buffer[] = [];
  while (gate.includes(".fills.")) taken.push(Buffer.alloc(4_000_000, 1));
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (!existsSync(at("open"))) Atomics.wait(never, 0, 0, 10);
});

/** Hours by function, `migrate=-7,admit=3`; every other function's clock is right. */
function skewOf(text: string, name: string): number {
  const hours = new Map(text.split(",").map((pair) => pair.split("=") as [string, string]));
  return Number(hours.get(name) ?? 0) * 3_600_000;
}

function shiftClock(milliseconds: number): void {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...given: unknown[]) {
      if (given.length === 0) super(RealDate.now() + milliseconds);
      else super(...(given as [number]));
    }
    static override now(): number {
      return RealDate.now() + milliseconds;
    }
  } as DateConstructor;
}
