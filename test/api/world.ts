/** The API in this process, with everything it calls for real: a control database, S3, Step Functions, secrets, a bus. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import type { Grant } from "../../core/access.ts";
import { type DatabaseAddress, databaseUrl } from "../../core/database-url.ts";
import { sha256 } from "../../core/digest.ts";
import { type Bundle, buildBundle } from "../../core/release.ts";
import { migrateControl } from "../../functions/control.ts";
import { insertKey } from "../../io/ledger/keys.ts";
import { insertPerson, replaceGrants } from "../../io/ledger/people.ts";
import { openSession, type Session } from "../../io/postgres/session.ts";
import { openSecrets } from "../../io/secrets.ts";
import { startEventBridge } from "../../local/event-bridge.ts";
import { startInvokeEndpoint } from "../../local/lambda/invoke.ts";
import { startSecretsManager } from "../../local/secrets-manager.ts";
import { startStepFunctions } from "../../local/step-functions/index.ts";
import { startBucket } from "../bucket.ts";
import { CALLBACK, createMachine } from "../local/step-functions/stage.ts";
import { dropDatabases, freshDatabase, newestServer } from "../postgres.ts";
import { startTcpProxy } from "../tcp-proxy.ts";

export interface Answer<Body> {
  status: number;
  body: Body;
  headers: Headers;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  hint: string;
  facts: Record<string, unknown>;
}

export type World = Awaited<ReturnType<typeof openWorld>>;

/** The key of the person "tester", who makes every request that names no other. */
export const KEY = "rk_tester";
export const OTHER_KEY = "rk_other";

/** A machine that hands its task token to the test and waits, as `decide` does. */
const WAITING = {
  QueryLanguage: "JSONata",
  StartAt: "wait",
  States: {
    wait: {
      Type: "Task",
      Resource: CALLBACK,
      Arguments: {
        FunctionName: "wait",
        Payload: {
          promotion: "{% $states.input.promotion %}",
          token: "{% $states.context.Task.Token %}",
        },
      },
      TimeoutSeconds: 3600,
      End: true,
    },
  },
};

export async function openWorld() {
  const folder = await mkdtemp(join(tmpdir(), "rehearsal-api-"));
  const bucket = await startBucket("artifacts");
  const secretsManager = await startSecretsManager({ folder: join(folder, "secrets") });
  const bus = await startEventBridge({ folder: join(folder, "bus"), rules: [] });
  const tokens = new Map<string, PromiseWithResolvers<string>>();
  const tokenOf = (promotion: string) => {
    const known = tokens.get(promotion) ?? Promise.withResolvers<string>();
    tokens.set(promotion, known);
    return known;
  };
  const stepFunctions = await startStepFunctions({
    folder: join(folder, "step-functions"),
    invoke: async (_, payload) => {
      const { promotion, token } = payload as { promotion: string; token: string };
      tokenOf(promotion).resolve(token);
      return { payload: {} };
    },
  });
  // Looks run in this process as well, and are asked over HTTP all the same.
  const lambda = await startInvokeEndpoint(async (_, payload) => {
    const { handler } = await import("../../functions/look/main.ts");
    return { payload: await handler(payload) };
  });
  const { hostname: host, port } = new URL(stepFunctions.url);
  const line = await startTcpProxy({ host, port: Number(port) });
  const throughLine = line.through({ host, port: Number(port) });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    AWS_ENDPOINT_URL_SFN: `http://${throughLine.host}:${throughLine.port}`,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
    AWS_ENDPOINT_URL_LAMBDA: lambda.url,
    REHEARSAL_LOOK_FUNCTION: "look",
    REHEARSAL_BUCKET: "artifacts",
    REHEARSAL_EVENT_BUS: "rehearsal",
    REHEARSAL_CONTROL_SECRET: "rehearsal/control-database",
    REHEARSAL_LOCAL_ISSUERS: "yes",
    // Tests ask without a pause, and fail to sign in all the time.
    REHEARSAL_LIMIT_FAILURES: "10000",
    REHEARSAL_LIMIT_REQUESTS: "1000000",
  });
  const sfn = new SFNClient({ endpoint: stepFunctions.url });
  const promotionMachine = await createMachine(sfn, "promotion", WAITING);
  const rollbackMachine = await createMachine(sfn, "rollback", WAITING);
  process.env.REHEARSAL_TASK_MACHINE = await createMachine(sfn, "task", WAITING);
  process.env.REHEARSAL_PRUNE_MACHINE = await createMachine(sfn, "prune", WAITING);
  process.env.REHEARSAL_PROMOTION_MACHINE = promotionMachine;
  process.env.REHEARSAL_ROLLBACK_MACHINE = rollbackMachine;

  const control = await freshDatabase(newestServer());
  await openSecrets().writeSecret("rehearsal/control-database", databaseUrl(control));
  const ledger = await openSession(control, { application: "test" });
  await migrateControl(ledger, await controlMigrations());
  await keepPerson(ledger, "tester", KEY);
  await keepPerson(ledger, "other", OTHER_KEY);
  const targets: DatabaseAddress[] = [];
  // Only now, for its clients read the variables when they are first used.
  const { front: app } = await import("../../functions/api/front.ts");

  const send = async (path: string, init: RequestInit = {}) =>
    app.request(path, {
      ...init,
      headers: { authorization: `Bearer ${KEY}`, ...(init.headers as Record<string, string>) },
    });
  const call = async <Body = Problem>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> => {
    const response = await send(path, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as Body };
  };

  return {
    app,
    ledger: ledger as Session,
    store: bucket.store,
    control,
    /** The line between the API and Step Functions. */
    line,
    promotionMachine,
    rollbackMachine,
    send,
    call,
    /** Resolves with the token that the promotion's execution waits with. */
    token: (promotion: string) => tokenOf(promotion).promise,
    /** An empty database to register, dropped at the end. */
    target: async (sql?: string) => {
      const address = await freshDatabase(newestServer(), sql);
      targets.push(address);
      return address;
    },
    execution: (name: string, machine = promotionMachine) =>
      sfn.send(
        new DescribeExecutionCommand({
          executionArn: `${machine.replace(":stateMachine:", ":execution:")}:${name}`,
        }),
      ),
    executions: async (machine = promotionMachine) =>
      (await sfn.send(new ListExecutionsCommand({ stateMachineArn: machine }))).executions ?? [],
    close: async () => {
      await ledger.close();
      sfn.destroy();
      await line.stop();
      await stepFunctions.stop();
      await lambda.stop();
      await bus.stop();
      await secretsManager.stop();
      await bucket.stop();
      await dropDatabases(control, ...targets);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Somebody who may everything, or what is given, and speaks by that key. */
export async function keepPerson(
  ledger: Session,
  person: string,
  key: string,
  grants: readonly Grant[] = [{ environment: "*", role: "admin" }],
): Promise<void> {
  await insertPerson(ledger, person, "test");
  await replaceGrants(ledger, person, grants);
  await insertKey(ledger, {
    ...{ id: person, key, person, label: "", scope: null },
    ...{ expiresAt: null, createdBy: "test", createdWith: null },
  });
}

/** Every migration of the control database, in order. */
async function controlMigrations(): Promise<{ path: string; bytes: Uint8Array }[]> {
  const folder = new URL("../../migrations/", import.meta.url);
  const names = (await readdir(folder)).sort();
  return Promise.all(
    names.map(async (name) => ({ path: `migrations/${name}`, bytes: await readFile(new URL(name, folder)) })),
  );
}

/** Registers a database of one table, whose first migration is a release away. */
export async function registerFresh(
  world: World,
  name: string,
  options: { role?: "dev" | "prod"; policy?: object } = {},
): Promise<DatabaseAddress> {
  const address = await world.target();
  const { role = "dev", policy } = options;
  const made = await world.call("POST", "/environments", {
    name,
    role,
    url: databaseUrl(address),
    ...(policy && { policy }),
  });
  if (made.status !== 201) throw new Error(`not registered: ${JSON.stringify(made.body)}`);
  return address;
}

/** The bundle of a project with these files beside its rehearsal.yaml. */
export function bundleOf(files: Record<string, string> = {}): Bundle {
  const all = {
    "rehearsal.yaml": "project: library\n",
    "migrations/0001_make_books.sql": "create table books (id int primary key, title text not null);\n",
    ...files,
  };
  return buildBundle(Object.entries(all).map(([path, text]) => ({ path, bytes: Buffer.from(text) })));
}

export interface Announced {
  hash: string;
  known: boolean;
  upload?: { url: string; headers: Record<string, string> };
}

export const announcement = ({ manifest, bytes }: Bundle) => ({
  manifest,
  sha256: sha256(bytes),
  size: bytes.length,
});

/** Uploads a bundle as the command does; returns its hash. */
export async function uploadRelease(world: World, bundle: Bundle = bundleOf()): Promise<string> {
  const { body } = await world.call<Announced>("POST", "/releases", announcement(bundle));
  if (body.upload !== undefined)
    await fetch(body.upload.url, {
      method: "PUT",
      headers: body.upload.headers,
      body: new Uint8Array(bundle.bytes),
    });
  const accepted = await world.call("POST", `/releases/${body.hash}`);
  if (accepted.status >= 300) throw new Error(`not accepted: ${JSON.stringify(accepted.body)}`);
  return body.hash;
}
