/**
 * AWS's authorization in front of the local stack: every request of a function passes here, is held against the statements of the
 * function's role, and goes on only when each right that it takes is granted. Each function has doors of its own, so that who asks is
 * known by where it knocks.
 */
import { randomUUID } from "node:crypto";
import { appendFileSync, mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { FunctionName } from "../../../infra/deployment.ts";
import { readRequest } from "../../../local/s3/request.ts";
import { FUNCTION_NAMES } from "../../../workflows/modules.ts";
import { jsonRights, restRights } from "./call-rights.ts";
import { allowing, type Right } from "./iam.ts";
import { BUCKET, deployedBucket, keyRight, statementsFor } from "./place.ts";
import { s3Rights } from "./s3-rights.ts";

/** One right that was asked for; a line of the file that the guard writes. */
export interface Asked {
  caller: string;
  action: string;
  resource: string;
  /** The statement that allowed it. */
  by: string | null;
}

export interface Guard {
  /** Where each function finds the services, by its name and the SDK's variables. */
  endpoints: Record<string, Record<string, string>>;
  /** Where requests go on to, once it is known; until then they wait. */
  open(variables: Record<string, string>): void;
  stop(): Promise<void>;
}

export const SERVICES = [
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL_SFN",
  "AWS_ENDPOINT_URL_EVENTBRIDGE",
  "AWS_ENDPOINT_URL_SECRETS_MANAGER",
  "AWS_ENDPOINT_URL_SSM",
  "AWS_ENDPOINT_URL_SESV2",
  "AWS_ENDPOINT_URL_LAMBDA",
] as const;

type Caller = FunctionName | "container";
const CALLERS: readonly Caller[] = [...FUNCTION_NAMES, "container"];

/** Starts the doors of every function. What was asked is written to the file, a line of JSON for each right. */
export async function startGuard(file: string): Promise<Guard> {
  const behind = Promise.withResolvers<Record<string, string>>();
  const note = (asked: Asked) => appendFileSync(file, `${JSON.stringify(asked)}\n`);
  const doors = await Promise.all(
    CALLERS.flatMap((caller) =>
      SERVICES.map(async (service) => {
        const server = createServer((message, response) => {
          void pass({ caller, service, behind: behind.promise, note }, message, response).catch(
            (error: Error) => {
              note({ caller, action: error.message, resource: message.url ?? "", by: null });
              response.destroy();
            },
          );
        });
        server.requestTimeout = 0;
        server.keepAliveTimeout = 75_000;
        await new Promise<void>((resolve, reject) => {
          server.once("error", reject);
          server.listen(0, "127.0.0.1", resolve);
        });
        const address = server.address();
        if (address === null || typeof address === "string") throw new Error("the guard has no port");
        return { caller, service, server, url: `http://127.0.0.1:${address.port}` };
      }),
    ),
  );
  const of = (name: Caller) => doors.filter(({ caller }) => caller === name);
  const told = CALLERS.map((name) => [
    name,
    Object.fromEntries(of(name).map((door) => [door.service, door.url])),
  ]);
  return {
    endpoints: Object.fromEntries(told),
    open: behind.resolve,
    stop: async () => {
      await Promise.all(
        doors.map(
          ({ server }) =>
            new Promise((resolve) => {
              server.close(resolve);
              server.closeAllConnections();
            }),
        ),
      );
    },
  };
}

/**
 * The guard of a service under test, noting in its folder, where it is asked for; a whole run of tests is put behind guards by
 * REHEARSAL_TEST_ENFORCED, which names the folder for what they note.
 */
export async function guardOf(service: { folder: string; enforced: boolean }): Promise<Guard | undefined> {
  const { REHEARSAL_TEST_ENFORCED: noted } = process.env;
  if (!service.enforced && noted === undefined) return undefined;
  // What a test reads of its own service stays where it looks for it.
  const folder = service.enforced ? service.folder : (noted ?? service.folder);
  mkdirSync(folder, { recursive: true });
  return startGuard(`${folder}/${service.enforced ? "asked" : randomUUID()}.jsonl`);
}

interface Door {
  caller: Caller;
  service: Service;
  behind: Promise<Record<string, string>>;
  note: (asked: Asked) => void;
}

type Service = (typeof SERVICES)[number];

async function pass(
  { caller, service, behind, note }: Door,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // None of our functions, for the SDK signs: a port of these was another test's before, and somebody still knocks there.
  if (!isSigned(message)) return deny(service, message, response, "the request is not signed");
  // Objects are streamed; of all others what is asked stands in the body.
  const told = service !== "AWS_ENDPOINT_URL_S3" || "delete" in readRequest(message).query;
  const body = told ? await textOf(message) : undefined;
  const { rights, bucket } = rightsOf(service, message, body ?? "");
  const statements = statementsFor(caller, bucket);
  const denied = rights.filter((right) => {
    const by = allowing(statements, right)?.Sid ?? null;
    note({ caller, action: right.action, resource: right.resource, by });
    return by === null;
  });
  if (denied.length > 0) return deny(service, message, response, `${caller} may not ${denied[0]?.action}`);
  const base = (await behind)[service];
  if (base === undefined) throw new Error(`nobody serves ${service}`);
  await forward(message, response, base, body, () => {
    // Whoever may not list where it would be is not told that it is missing.
    const object = rights.find(({ action }) => /^s3:GetObject(Version)?$/.test(action));
    if (object === undefined) return true;
    const at = object.resource.indexOf("/");
    const list: Right = {
      action: "s3:ListBucket",
      resource: object.resource.slice(0, at),
      context: { "s3:prefix": object.resource.slice(at + 1) },
    };
    const by = allowing(statements, list)?.Sid ?? null;
    note({ caller, action: "s3:ListBucket", resource: object.resource, by });
    return by !== null;
  });
}

function isSigned({ headers, url }: IncomingMessage): boolean {
  return headers.authorization !== undefined || /[?&]X-Amz-Signature=/.test(url ?? "");
}

function rightsOf(
  service: Service,
  message: IncomingMessage,
  body: string,
): { rights: Right[]; bucket: string } {
  if (service === "AWS_ENDPOINT_URL_S3") {
    const request = readRequest(message);
    const { bucket = "" } = request;
    const arn = deployedBucket(bucket);
    const rights = s3Rights(request, arn, body).flatMap((right) => {
      if (!right.action.startsWith("kms:")) return [right];
      return bucket === BUCKET ? [keyRight(right.action, "s3", arn)] : [];
    });
    return { rights, bucket };
  }
  if (service === "AWS_ENDPOINT_URL_SESV2" || service === "AWS_ENDPOINT_URL_LAMBDA")
    return { rights: restRights((message.url ?? "").split("?")[0] ?? ""), bucket: BUCKET };
  const target = String(message.headers["x-amz-target"] ?? "");
  return { rights: jsonRights(target, JSON.parse(body || "{}") as Record<string, unknown>), bucket: BUCKET };
}

function deny(service: Service, message: IncomingMessage, response: ServerResponse, reason: string): void {
  message.resume();
  if (service === "AWS_ENDPOINT_URL_S3") {
    const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>${reason}</Message></Error>`;
    response
      .writeHead(403, { "content-type": "application/xml" })
      .end(message.method === "HEAD" ? undefined : xml);
    return;
  }
  const status = service === "AWS_ENDPOINT_URL_SESV2" || service === "AWS_ENDPOINT_URL_LAMBDA" ? 403 : 400;
  response
    .writeHead(status, {
      "content-type": "application/x-amz-json-1.1",
      "x-amzn-errortype": "AccessDeniedException",
    })
    .end(JSON.stringify({ __type: "AccessDeniedException", message: reason, Message: reason }));
}

/** Sends the request on as it came, for what it is signed over must stay. */
function forward(
  message: IncomingMessage,
  response: ServerResponse,
  base: string,
  body: string | undefined,
  mayKnowMissing: () => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(base);
    const { expect: _, ...headers } = message.headers;
    // A connection each: a service that hangs up on an idle one would look like one that is away.
    const to = { hostname, port, method: message.method, path: message.url, headers, agent: false };
    const onward = send(to, (answer) => {
      if (answer.statusCode === 404 && !mayKnowMissing()) {
        answer.resume();
        deny("AWS_ENDPOINT_URL_S3", message, response, "Access Denied");
        resolve();
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
      response.on("close", resolve);
    });
    // The service, or who asked it, is gone: a cut connection is how HTTP tells of it.
    onward.on("error", () => {
      response.destroy();
      resolve();
    });
    message.on("error", () => onward.destroy());
    response.on("close", () => onward.destroy());
    if (body === undefined) message.pipe(onward);
    else onward.end(body);
  });
}

async function textOf(message: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
