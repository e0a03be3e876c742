/** The configuration and infra/ against SST's and Pulumi's own types, which are there once the platform is unpacked. */
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ensurePlatform, ROOT } from "./program/platform.ts";

/** Beside what is to be right something wrong, so that silence is not taken for a proof. */
const WRONG = `/// <reference path="../.sst/platform/config.d.ts" />
export const queue = () => new aws.sqs.Queue("Q", { messageRetentionSeconds: "long" });
`;

test("sst.config.ts and infra/ are well typed, by the types that are deployed with", async () => {
  await ensurePlatform();
  const wrong = `.rehearsal/wrong-${process.pid}`;
  const project = {
    ...{ extends: "../tsconfig.infra.json", exclude: [] },
    include: ["../sst.config.ts", "../infra", `../${wrong}.ts`],
  };
  await writeFile(join(ROOT, `${wrong}.ts`), WRONG);
  await writeFile(join(ROOT, `${wrong}.json`), JSON.stringify(project));
  try {
    const found = (await tsc(`${wrong}.json`)).split("\n").filter((line) => /error TS/.test(line));
    expect(found).toEqual([
      expect.stringMatching(/^\.rehearsal\/wrong-.*'string' is not assignable to type 'Input<number>/),
    ]);
  } finally {
    await Promise.all([`${wrong}.ts`, `${wrong}.json`].map((file) => rm(join(ROOT, file), { force: true })));
  }
}, 600_000);

/** What the compiler says of a project. */
function tsc(project: string): Promise<string> {
  return promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["--pretty", "false", "-p", project], {
    cwd: ROOT,
  }).then(
    ({ stdout }) => stdout,
    // It ends badly when it finds something, and then says what.
    ({ stdout }: { stdout: string }) => stdout,
  );
}
