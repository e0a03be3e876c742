/** The container of long steps as it would be deployed, and its image as it would be made: without AWS, and without Docker. */
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterArn, type Deployment, roleArn, taskFamily } from "../../infra/deployment.ts";
import { parseSettings } from "../../infra/settings.ts";
import { type Containers, startContainers } from "../../local/ecs/containers.ts";
import { startSecretsManager } from "../../local/secrets-manager.ts";
import { CONTAINER } from "../../workflows/functions.ts";
import { promotionDefinition } from "../../workflows/promotion.asl.ts";
import { startAnswers } from "../container/answers.ts";
import { openStage } from "../local/step-functions/stage.ts";
import { refusalOf } from "../refusal.ts";
import { bundleContainer } from "./bundled-container.ts";
import { ROOT } from "./program/platform.ts";
import { ACCOUNT, evaluate, type Program } from "./program.ts";
import { at, statements } from "./rules/look.ts";

/** deploy/example.yaml names an image. */
const d: Deployment = {
  ...{ app: "rehearsal", stage: "example", partition: "aws", region: "eu-west-1", account: ACCOUNT },
};

describe("the container that is deployed", () => {
  let program: Program;
  beforeAll(async () => {
    program = await evaluate(d.stage);
  }, 600_000);

  const container = () => {
    const [only, ...more] = JSON.parse(
      String(program.one("ecs.TaskDefinition").inputs.containerDefinitions),
    ) as Record<string, unknown>[];
    expect(more).toEqual([]);
    return only ?? {};
  };

  /** To the roles of the deployment itself, not to those of who deploys it. */
  const granted = (action: string) =>
    statements(program).filter(
      ({ resource, Action }) =>
        Action.includes(action) && String(resource.inputs.role).startsWith("rehearsal-example-"),
    );

  test("runs on Fargate and arm64, as nobody, on a file system that it cannot write, and keeps its old revisions", () => {
    expect(program.one("ecs.TaskDefinition").inputs).toMatchObject({
      ...{ family: taskFamily(d), networkMode: "awsvpc", requiresCompatibilities: ["FARGATE"] },
      ...{ cpu: "4096", memory: "16384", skipDestroy: true },
      runtimePlatform: { operatingSystemFamily: "LINUX", cpuArchitecture: "ARM64" },
      ...{ taskRoleArn: roleArn(d, "container"), executionRoleArn: roleArn(d, "container-execution") },
    });
    expect(container()).toMatchObject({
      ...{ name: CONTAINER.name, user: "1000:1000", readonlyRootFilesystem: true, privileged: false },
      image: expect.stringMatching(/@sha256:[0-9a-f]{64}$/),
      linuxParameters: { capabilities: { drop: ["ALL"] } },
      logConfiguration: { options: { "awslogs-group": "/rehearsal/example/container" } },
    });
    expect(container()).not.toHaveProperty("secrets");
  });

  test("is told what functions are told, and nothing of its step: that comes with each run", () => {
    const ours = (names: string[]) => names.filter((name) => name.startsWith("REHEARSAL_")).sort();
    const names = (container().environment as { name: string }[]).map(({ name }) => name);
    const told = Object.keys(
      at(program.one("lambda.Function", "MigrateFunction"), "environment.variables") ?? {},
    );
    // A function's answer is its return; the container has somebody hand it on.
    expect(ours(names)).toEqual(ours([...told, "REHEARSAL_ANSWER_FUNCTION"]));
  });

  test("may be run by its machines alone, in its cluster alone, with its two roles alone", () => {
    const run = granted("ecs:RunTask");
    const roles = run.map(({ resource }) => resource.inputs.role).sort();
    expect(roles).toEqual(
      ["promotion", "rollback", "task"].map(
        (name) => `rehearsal-example-machine-${name}-fargate-${d.region}`,
      ),
    );
    for (const { Resource, Condition } of run) {
      expect(Resource).toEqual([
        `arn:aws:ecs:eu-west-1:${ACCOUNT}:task-definition/rehearsal-example-container:*`,
      ]);
      expect(Condition).toEqual({ ArnEquals: { "ecs:cluster": clusterArn(d) } });
    }
    for (const { Resource, Condition } of granted("iam:PassRole")) {
      expect(Resource).toEqual([roleArn(d, "container"), roleArn(d, "container-execution")]);
      expect(Condition).toEqual({ StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
    }
  });

  test("is fetched from the repository of its image and from no other, which keeps tags as they are", () => {
    const fetches = granted("ecr:BatchGetImage");
    expect(fetches.map(({ Resource }) => Resource)).toEqual([
      [`arn:aws:ecr:eu-west-1:123456789012:repository/rehearsal-prod-container`],
    ]);
    expect(program.one("ecr.Repository").inputs).toMatchObject({
      ...{ name: "rehearsal-example-container", imageTagMutability: "IMMUTABLE", forceDelete: false },
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfigurations: [{ encryptionType: "KMS" }],
    });
  });

  test("has a network, an image with its digest, and memory that Fargate gives", async () => {
    const digest = "a".repeat(64);
    const problemsOf = async (text: string) =>
      (await refusalOf(() => parseSettings("deploy/x.yaml", Buffer.from(text)))).message;
    expect(await problemsOf("container: { image: 'example.com/rehearsal:latest' }")).toContain(
      "with its digest",
    );
    expect(
      await problemsOf(`container: { image: 'example.com/r@sha256:${digest}', cpu: 1024, memoryMb: 9216 }`),
    ).toContain("Fargate gives from 2,048 MB");
    expect(
      await problemsOf(
        `container: { image: 'example.com/r@sha256:${digest}' }\nnetwork: { kind: none }\ncontrolDatabase: { kind: given, secret: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf' }`,
      ),
    ).toContain("a container runs only within a network");
  });
});

describe("the container's image", () => {
  let folder: string;
  let context: string;
  let recipe: [instruction: string, rest: string][];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "container-"));
    context = await bundleContainer(folder);
    recipe = instructionsOf(await readFile(join(ROOT, "infra/container/Dockerfile"), "utf8"));
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const rest = (instruction: string) =>
    recipe.filter(([name]) => name === instruction).map(([, text]) => text);

  test("is the functions' own Node and the build's bundle: nothing is fetched or run, and nobody is root", () => {
    expect(new Set(recipe.map(([name]) => name))).toEqual(
      new Set(["FROM", "ENV", "WORKDIR", "COPY", "USER", "ENTRYPOINT", "CMD"]),
    );
    expect(rest("FROM")).toEqual(["public.ecr.aws/lambda/nodejs:24"]);
    expect(rest("USER")).toEqual(["1000:1000"]);
    expect(rest("CMD")).toEqual(["[]"]);
  });

  test("runs a step from exactly the files that it copies, and tells the machine how the step ended", async () => {
    const image = join(folder, "image");
    for (const copy of rest("COPY")) {
      const [from = "", to = ""] = copy.split(" ");
      expect(await readdir(join(context, from))).not.toEqual([]);
      await cp(join(context, from), join(image, to), { recursive: true });
    }
    const [node, entry = ""] = JSON.parse(rest("ENTRYPOINT")[0] ?? "[]") as string[];
    expect(node).toBe("/var/lang/bin/node");
    const { Error: error, Cause } = await failureOf(pathToFileURL(join(image, entry)), folder);
    // The step's own handler asked for the ledger's address, which this secrets manager does not have.
    expect(error).toBe("SecretMissing");
    expect(JSON.parse(Cause)).toMatchObject({ errorType: "SecretMissing", trace: expect.any(Array) });
  });
});

/** Plays a machine whose first step runs in a container of that entry; what the machine caught. */
async function failureOf(entry: URL, folder: string): Promise<{ Error: string; Cause: string }> {
  const secrets = await startSecretsManager({ folder: join(folder, "secrets") });
  let containers: Containers | undefined;
  const stage = await openStage({
    runTask: async (given) => containers?.runTask(given) ?? { fault: { Error: "", Cause: "" } },
  });
  const answers = await startAnswers(() => stage.client);
  containers = startContainers({
    entry,
    environment: {
      ...answers.variables,
      ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      ...{ AWS_ENDPOINT_URL_SFN: stage.url, AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url },
      ...{ REHEARSAL_CONTROL_SECRET: "rehearsal/control-database", REHEARSAL_BUCKET: "none" },
    },
    onLog: () => undefined,
  });
  try {
    const { snapshot } = promotionDefinition({ compute: "fargate" }).States;
    const run = await stage.play(
      {
        QueryLanguage: "JSONata",
        StartAt: "begin",
        States: {
          begin: {
            Type: "Pass",
            Assign: { admitted: { containerSeconds: 3_600 } },
            Next: "snapshot",
          },
          snapshot: { ...snapshot, Retry: [], Next: "done" },
          done: { Type: "Succeed" },
          refuse: { Type: "Fail", Error: "{% $failure.Error %}", Cause: "{% $failure.Cause %}" },
        },
      },
      { promotion: "p1" },
    );
    return { Error: run.error ?? "", Cause: run.cause ?? "" };
  } finally {
    await containers.stop();
    await answers.stop();
    await stage.close();
    await secrets.stop();
  }
}

/** A recipe's instructions, lines that go on joined. */
function instructionsOf(text: string): [string, string][] {
  return text
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line): [string, string] => [line.split(" ")[0] ?? "", line.split(" ").slice(1).join(" ").trim()]);
}
