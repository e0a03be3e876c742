/** What the API answers per second with 10,000 promotions in its ledger, on the Lambda runner, beside a bare Hono route. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { openLedger } from "../io/ledger/connection.ts";
import { type LambdaRunner, startLambdaRunner } from "../local/lambda/runner.ts";
import { startStack } from "../local/stack.ts";
import { load, type Measured, requestEvent } from "./api/load.ts";
import { writeManyPromotions } from "./api/many-promotions.ts";
import { describeMachine, writeSection } from "./page.ts";

const ROOT = join(import.meta.dirname, "..");
const PROMOTIONS = 10_000;
/** Requests under way at once: one for each core of a small machine. */
const AT_ONCE = 2;
const SECONDS = 5;
const SOAK_SECONDS = 60;
/** What a heap may grow between the first and the last third of the soak before it counts as a leak. */
const GROWTH = 1.1;

const KINDS = ["a bare Hono route", "a list of 50", "one promotion"] as const;
type Kind = (typeof KINDS)[number];

interface Result {
  rounds: Record<Kind, Measured[]>;
  /** Megabytes that a sandbox's heap held, garbage collected, every other second of the soak. */
  memory: number[];
}

/** Prints the figures and writes its part of docs/performance.md from three runs on; false when memory grew. */
export async function benchApi({ json, runs }: { json: boolean; runs: number }): Promise<boolean> {
  await mkdir(join(ROOT, ".rehearsal"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, ".rehearsal/bench-api-"));
  const heaps: number[] = [];
  const stack = await startStack({
    folder,
    preload: new URL("./api/memory-probe.ts", import.meta.url),
    onLog: (line) => {
      const told = /^\{"heap":(\d+)\}$/.exec(line)?.[1];
      if (told !== undefined) heaps.push(Number(told) / 2 ** 20);
    },
    environment: { REHEARSAL_LIMIT_REQUESTS: "1000000000" },
  });
  const bare = startLambdaRunner({
    functions: {
      bare: { module: new URL("./api/bare.ts", import.meta.url), timeoutSeconds: 29, memoryMb: 512 },
    },
    environment: {},
    onLog: () => undefined,
  });
  try {
    const ledger = await openLedger("bench");
    const ids = await writeManyPromotions(ledger, PROMOTIONS);
    await ledger.close();
    const before = loadavg()[0] ?? 0;
    const result = await measure(stack.lambda, bare, {
      ids,
      key: stack.keys.operator,
      runs,
      heaps,
    });
    const table = resultTable(result);
    console.log(json ? JSON.stringify(result, undefined, 2) : table);
    if (runs >= 3) await writeSection("API", section(table, runs, before));
    return isFlat(result.memory);
  } finally {
    await bare.stop();
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  api: LambdaRunner,
  bare: LambdaRunner,
  { ids, key, runs, heaps }: { ids: readonly string[]; key: string; runs: number; heaps: number[] },
): Promise<Result> {
  let asked = 0;
  // Ids in an order that no cache follows, the same in every run.
  const some = () => ids[(asked++ * 7_919) % ids.length] ?? "";
  const list = requestEvent("/promotions?limit=50", key);
  const ask: Record<Kind, (seconds: number) => Promise<Measured>> = {
    "a bare Hono route": (seconds) => load(bare.invoke, "bare", () => list0, { seconds, atOnce: AT_ONCE }),
    "a list of 50": (seconds) => load(api.invoke, "api", () => list, { seconds, atOnce: AT_ONCE }),
    "one promotion": (seconds) =>
      load(api.invoke, "api", () => requestEvent(`/promotions/${some()}`, key), { seconds, atOnce: AT_ONCE }),
  };
  const rounds: Result["rounds"] = { "a bare Hono route": [], "a list of 50": [], "one promotion": [] };
  // The first round starts the sandboxes and warms what compiles.
  for (let round = 0; round <= runs; round++)
    for (const kind of KINDS) {
      const one = await ask[kind](round === 0 ? 2 : SECONDS);
      if (round > 0) rounds[kind].push(one);
    }
  heaps.length = 0;
  for (let passed = 0; passed < SOAK_SECONDS; passed += 2 * SECONDS) {
    await ask["a list of 50"](SECONDS);
    await ask["one promotion"](SECONDS);
  }
  return { rounds, memory: [...heaps] };
}

const list0 = requestEvent("/", "none");

function thirds(memory: readonly number[]): [first: number, last: number] {
  const third = Math.floor(memory.length / 3);
  const mean = (some: readonly number[]) => some.reduce((sum, one) => sum + one, 0) / some.length;
  return [mean(memory.slice(0, third)), mean(memory.slice(-third))];
}

function isFlat(memory: readonly number[]): boolean {
  const [first, last] = thirds(memory);
  return last <= first * GROWTH;
}

function resultTable({ rounds, memory }: Result): string {
  const middle = (kind: Kind, of: keyof Measured) => {
    const sorted = rounds[kind].map((one) => one[of]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  const [first, last] = thirds(memory);
  return [
    "| what is asked for | answers per second | median (ms) | p99 (ms) |",
    "| --- | --: | --: | --: |",
    ...KINDS.map(
      (kind) =>
        `| ${kind} | ${Math.round(middle(kind, "perSecond"))} | ${middle(kind, "median").toFixed(2)} | ${middle(kind, "p99").toFixed(2)} |`,
    ),
    "",
    `Memory over ${SOAK_SECONDS} s of lists and promotions in turns, a sandbox's heap without its garbage: ${first.toFixed(1)} MB in the first third, ${last.toFixed(1)} MB in the last, ${Math.max(...memory).toFixed(1)} MB at most.`,
  ].join("\n");
}

function section(table: string, runs: number, before: number): string {
  const after = loadavg()[0] ?? 0;
  return `${PROMOTIONS.toLocaleString("en")} promotions of ten environments with ten steps each in the ledger, Postgres on the same machine, ${AT_ONCE} requests under way at once on the Lambda runner; the middle of ${runs} runs of ${SECONDS} s each, in turns. Each answer of the API takes its person's key to the ledger, and proves the kept session first. The load of the machine was ${before.toFixed(1)} at the beginning and ${after.toFixed(1)} at the end. On ${describeMachine()}: \`npm run bench -- api --runs ${runs}\`.

${table}`;
}
