/**
 * The deployment as it would be, without AWS: the real `sst.config.ts`, evaluated with SST's own platform, and every resource
 * that it would have had made. A process of its own does it, for Pulumi keeps what it knows in the process.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensurePlatform, ROOT } from "./program/platform.ts";

export interface Resource {
  /** `aws:lambda/function:Function`. */
  type: string;
  /** Its name in the program. */
  name: string;
  /** What the program asks for, with every output resolved. */
  inputs: Inputs;
  /** Names of the resources that it waits for. */
  dependsOn: string[];
  protect: boolean;
  retainOnDelete: boolean;
  /** What stays as it was made, whatever the program says later. */
  ignoreChanges: string[];
}

/** Of a resource's inputs a test names the few that it is about. */
export type Inputs = { [key: string]: Input };
export type Input = string | number | boolean | null | Input[] | Inputs;

export class Program {
  readonly resources: readonly Resource[];
  readonly outputs: Inputs;
  /** What the program looks up in the account, by the look-up's token, and how it asks. */
  readonly asked: Inputs;

  constructor(resources: readonly Resource[], outputs: Inputs, asked: Inputs = {}) {
    this.resources = resources;
    this.outputs = outputs;
    this.asked = asked;
  }

  /** Those of a type, called as the program calls it: `lambda.Function`. */
  all(type: string): Resource[] {
    const [service, kind] = type.split(".");
    return this.resources.filter(
      (resource) => resource.type.startsWith(`aws:${service}/`) && resource.type.endsWith(`:${kind}`),
    );
  }

  /** The one of a type, and of that name where several are. */
  one(type: string, name?: string): Resource {
    const found = this.all(type).filter((resource) => name === undefined || resource.name === name);
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new Error(
        `${found.length} resources are a ${type}${name === undefined ? "" : ` called ${name}`}`,
      );
    return only;
  }
}

/** The account that the program believes to be in. */
export const ACCOUNT = "123456789012";

/** Evaluates a stage, `deploy/<stage>.yaml` read where it is; the same sources are not evaluated twice. */
export async function evaluate(stage: string): Promise<Program> {
  const platform = await ensurePlatform();
  const kept = join(ROOT, ".rehearsal/infra", `${stage}-${await hashOfSources()}.json`);
  const known = await readFile(kept, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (known !== undefined) return programOf(known);
  await mkdir(join(kept, ".."), { recursive: true });
  const fresh = `${kept}.${process.pid}`;
  const child = join(import.meta.dirname, "program/main.ts");
  await promisify(execFile)(process.execPath, [child, platform, stage, ACCOUNT, fresh], {
    cwd: ROOT,
    maxBuffer: 16_000_000,
  });
  await rename(fresh, kept);
  return programOf(await readFile(kept, "utf8"));
}

function programOf(text: string): Program {
  const { resources, outputs, asked } = JSON.parse(text) as Program;
  return new Program(resources, outputs, asked);
}

/** Of everything that a deployment is made from. */
async function hashOfSources(): Promise<string> {
  const hash = createHash("sha256");
  const files = globSync(
    [
      "sst.config.ts",
      "package-lock.json",
      "deploy/*.yaml",
      "{infra,workflows,core,test/infra/program}/**/*.ts",
      "migrations/*.sql",
    ],
    { cwd: ROOT },
  );
  for (const file of files.sort())
    hash
      .update(`${file}\0`)
      .update(await readFile(join(ROOT, file)))
      .update("\0");
  return hash.digest("hex").slice(0, 16);
}
