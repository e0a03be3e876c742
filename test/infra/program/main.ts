/** `node main.ts PLATFORM STAGE ACCOUNT FILE`: evaluates the program once, and writes its resources and outputs as JSON. */
import { rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { answersOf } from "./aws.ts";
import { bundleApp, bundleRun } from "./bundled.ts";

const [platform = "", stage = "", account = "", file = ""] = process.argv.slice(2);
const root = process.cwd();

interface Request {
  getType(): string;
  getName(): string;
  getDependenciesList(): string[];
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getIgnorechangesList(): string[];
}

interface Pulumi {
  runtime: {
    setMocks(mocks: object, project: string, stack: string, preview: boolean): Promise<void>;
    runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>;
    disconnect(): Promise<void>;
  };
}

// The platform's own copy, which the bundled program imports as well.
const require = createRequire(join(platform, "package.json"));
const pulumi = require("@pulumi/pulumi") as Pulumi;
const { MockMonitor } = require("@pulumi/pulumi/runtime/mocks") as {
  MockMonitor: { prototype: { registerResource(request: Request, callback: unknown): Promise<void> } };
};

const orders = new Map<string, object>();
const register = MockMonitor.prototype.registerResource;
// The mocks are not told what a resource waits for, nor what protects it.
MockMonitor.prototype.registerResource = function (request, callback) {
  orders.set(`${request.getType()} ${request.getName()}`, {
    dependsOn: request.getDependenciesList().map((urn) => urn.split("::").at(-1)),
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
    ignoreChanges: request.getIgnorechangesList(),
  });
  return register.call(this, request, callback);
};

const app = await bundleApp(root, platform, async (path) => {
  const { default: made } = (await import(pathToFileURL(path).href)) as {
    default: (input: { stage: string }) => Promise<App>;
  };
  return made({ stage });
});
interface App {
  name: string;
  providers: { aws: { region: string } };
}

const answers = answersOf(app.providers.aws.region, account);
const asked: Record<string, unknown> = {};
const resources: { type: string; name: string; inputs: unknown }[] = [];
await pulumi.runtime.setMocks(
  {
    newResource: async ({
      type,
      name,
      inputs,
    }: {
      type: string;
      name: string;
      inputs: Record<string, unknown>;
    }) => {
      resources.push({ type, name, inputs: await plain(inputs) });
      return answers.made(type, name, inputs);
    },
    call: ({ token, inputs }: { token: string; inputs: Record<string, unknown> }) => {
      asked[token] = inputs;
      return answers.asked(token, inputs);
    },
  },
  app.name,
  stage,
  false,
);

const bundled = await bundleRun(root, platform, { ...app, stage });
try {
  const { default: run } = (await import(pathToFileURL(bundled).href)) as { default: () => Promise<unknown> };
  const outputs = await pulumi.runtime.runInPulumiStack(run);
  await pulumi.runtime.disconnect();
  const found = resources.map((resource) => ({
    ...resource,
    ...orders.get(`${resource.type} ${resource.name}`),
  }));
  await writeFile(
    file,
    JSON.stringify({ resources: found, outputs: await plain(outputs), asked: await plain(asked) }),
  );
} finally {
  await rm(bundled, { force: true });
}

/** Resolved all the way: an archive is the folder that it is made from, an output what it becomes. */
async function plain(value: unknown): Promise<unknown> {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if ("__pulumiArchive" in value && "path" in value) return { archive: await value.path };
  if ("__pulumiOutput" in value && "promise" in value && typeof value.promise === "function")
    return plain(await value.promise());
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, inner]) => [key, await plain(inner)] as const),
  );
  return Object.fromEntries(entries);
}
