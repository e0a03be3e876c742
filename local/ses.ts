/** SES on this machine: mails are taken as AWS takes them, and kept as files in a folder instead of being sent. */
import { randomUUID } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import * as z from "zod";
import { AwsError, type Endpoint } from "./aws-json.ts";

/** A mail as its file holds it. */
export interface KeptMail {
  id: string;
  /** ISO 8601. */
  at: string;
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
}

const content = z.object({ Data: z.string(), Charset: z.string().optional() });
/** A line of a mail's head holds no line's end. */
const line = z.string().regex(/^[^\r\n]*$/, "holds a line's end");
const address = line.regex(/^[^\s@<>]+@[^\s@<>]+$|^[^<>@]*<[^\s@<>]+@[^\s@<>]+>$/, "is not an address");

const sendEmail = z.object({
  FromEmailAddress: address,
  Destination: z.object({ ToAddresses: z.array(address).min(1).max(50) }),
  Content: z.object({
    Simple: z.object({
      Subject: content.extend({ Data: line }),
      Body: z.object({ Text: content, Html: content.optional() }),
      Headers: z.array(z.object({ Name: z.string().regex(/^[!-9;-~]+$/), Value: line })).optional(),
    }),
  }),
});

/** SES's limit on one request. */
const LARGEST_REQUEST = 10 * 1024 * 1024;

/** Serves `SendEmail` of version 2 on 127.0.0.1; a mail is whole in its file before it is answered. */
export async function startSes(options: { folder: string; port?: number }): Promise<Endpoint> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const server = createServer((request, response) => {
    void answer(options.folder, request).then(
      (body) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
      (error: unknown) => {
        const known = error instanceof AwsError ? error : new AwsError("InternalFailure", String(error), 500);
        response
          .writeHead(known.status, { "content-type": "application/json", "x-amzn-errortype": known.type })
          .end(JSON.stringify({ message: known.message }));
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port was given");
  return {
    url: `http://127.0.0.1:${bound.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(folder: string, request: IncomingMessage): Promise<object> {
  // A page in a browser can reach loopback under a name of its own (DNS rebinding); the SDK always names the address.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? ""))
    throw new AwsError("AccessDeniedException", "only loopback names are served", 403);
  if (request.method !== "POST" || request.url !== "/v2/email/outbound-emails")
    throw new AwsError(
      "UnknownOperationException",
      `${request.method} ${request.url} is not served here`,
      501,
    );
  const parsed = sendEmail.safeParse(await bodyOf(request));
  if (!parsed.success)
    throw new AwsError("BadRequestException", parsed.error.issues.map((one) => one.message).join("; "));
  const { FromEmailAddress: from, Destination, Content } = parsed.data;
  const { Subject, Body, Headers = [] } = Content.Simple;
  const mail: KeptMail = {
    id: randomUUID(),
    at: new Date().toISOString(),
    from,
    to: Destination.ToAddresses,
    subject: Subject.Data,
    text: Body.Text.Data,
    html: Body.Html?.Data ?? "",
    headers: Object.fromEntries(Headers.map(({ Name, Value }) => [Name, Value])),
  };
  const file = join(folder, `${mail.at.replaceAll(":", "-")}-${mail.id}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(mail, undefined, 2), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return { MessageId: mail.id };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_REQUEST) throw new AwsError("BadRequestException", "the request is too large", 413);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new AwsError("BadRequestException", "the request is not JSON");
  }
}
