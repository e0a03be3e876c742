/** SES on this machine: mails are taken as AWS takes them, and kept as files in a folder instead of being sent. */
import { randomUUID } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import * as z from "zod";
import { AwsError, type Endpoint, readBody, serveLoopback } from "./loopback.ts";

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
  const reply = (body: object, status = 200, headers: Record<string, string> = {}) => ({
    ...{ status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) },
  });
  return serveLoopback(
    {
      answer: async (request) => reply(await answer(options.folder, request)),
      refuse: ({ type, message, status }) => reply({ message }, status, { "x-amzn-errortype": type }),
    },
    options.port,
  );
}

async function answer(folder: string, request: IncomingMessage): Promise<object> {
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
  const body = await readBody(request, LARGEST_REQUEST);
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new AwsError("BadRequestException", "the request is not JSON");
  }
}
