/** The tests: every file in test/, on real servers, one worker more than there are cores: each waits for servers and disks a quarter of its time. */
import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { COMPILE_CACHE } from "./local/compile-cache.ts";

/** Of tens of seconds and more: when they begin last, one worker waits for the other. */
const LONGEST = [
  "kill-promotion.test.ts",
  "promotion.test.ts",
  "backup-fuzz.test.ts",
  "absent-servers.test.ts",
  "time-outs.test.ts",
  "twice.test.ts",
  "containers.test.ts",
  "bundled-promotion.test.ts",
  "ledger-rebuild.test.ts",
  "copies.test.ts",
];

/** Plain values in, plain values out. Of core's, only what tells of locks is held to a server's own. */
const PLAIN = "test/{core,web}/**/!(statement-locks).test.ts";

/** The longest files first, and the others as vitest would have them. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.indexOf(basename(moduleId));
      return place < 0 ? LONGEST.length : place;
    };
    return others.sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "real parts",
          include: ["test/**/*.test.ts"],
          exclude: [PLAIN],
          globalSetup: ["test/servers.ts"],
        },
      },
      // Nothing in their processes outlives a file but modules, and to load those anew for each took more than half of it.
      { extends: true, test: { name: "plain values", include: [PLAIN], isolate: false } },
    ],
    pool: "forks",
    // The parser and pg_dump are compiled once, and nothing else a second time: most of what runs here runs once.
    execArgv: [
      "--no-wasm-tier-up",
      "--no-wasm-dynamic-tiering",
      "--no-opt",
      "--no-maglev",
      "--single-threaded",
    ],
    maxWorkers: 3,
    env: {
      // What a function in the tests' own process has to say stands among their results: only what is wrong.
      POWERTOOLS_LOG_LEVEL: "WARN",
      POWERTOOLS_METRICS_DISABLED: "true",
      // For the processes and threads that tests start: each would strip and compile its modules anew.
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    },
    sequence: { sequencer: LongestFirst },
    testTimeout: 180_000,
    hookTimeout: 120_000,
    reporters: ["default"],
  },
});
