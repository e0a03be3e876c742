/** One notice to one destination: made from what the log and the ledger say, and sent as the destination takes it. */
import { randomUUID } from "node:crypto";
import { retryAfterSeconds, signedHeaders } from "../core/delivery.ts";
import type { DestinationKind } from "../core/destination.ts";
import { RehearsalError } from "../core/errors.ts";
import type { EventContent } from "../core/log.ts";
import { cut, makeNotice, type Notice, type NoticeFacts, oneLine, testNotice } from "../core/notice.ts";
import { mailSubject, mailText, slackBody, webhookBody } from "../core/notice-forms.ts";
import { VERSION } from "../core/version.ts";
import { openEmail } from "../io/email.ts";
import { readEnvironment } from "../io/ledger/environments.ts";
import { readEvents } from "../io/ledger/events.ts";
import { readPromotion } from "../io/ledger/promotions.ts";
import { askOutside, type Reach } from "../io/outside-request.ts";
import type { Session } from "../io/postgres/session.ts";
import { noticeEmail } from "../web/notice-email.ts";
import { secrets } from "./clients.ts";
import { wantsFourEyes } from "./decision.ts";

/** What Secrets Manager holds of a destination. */
export interface Way {
  target: string;
  /** Of a webhook. */
  signing?: string;
}

interface Parcel {
  id: string;
  notice: Notice;
  at: string;
  /** Left out of a test. */
  event?: EventContent;
}

/** What became of an attempt. `gone` is a destination's word that nobody is to come again. */
export type Outcome =
  | { arrived: true }
  | { arrived: false; error: string; gone: boolean; retryAfter?: number };

const LONGEST = 10_000;
const LARGEST_ANSWER = 4_096;

/** Where webhooks may lead: to the public Internet, and to this machine where the service runs on one. */
export function reachOfNotices(): Reach {
  return { loopback: process.env.REHEARSAL_LOCAL_NOTICES === "yes", privateNetworks: false };
}

/** The notice of the event with that number. */
export async function parcelOf(ledger: Session, { seq, id }: { seq: number; id: string }): Promise<Parcel> {
  const [entry] = await readEvents(ledger, { after: seq - 1, limit: 1 });
  if (entry?.seq !== seq) throw new Error(`event ${seq} is not in the log`);
  const event = JSON.parse(entry.body) as EventContent;
  return { id, event, at: event.at, notice: makeNotice(event, await factsOf(ledger, event)) };
}

/** What shows whether a destination is reached. */
export function testParcel(by: string): Parcel {
  const at = new Date().toISOString();
  return { id: randomUUID(), at, notice: testNotice(by, consoleAddress()) };
}

/** Tries once; never throws for what the destination does. */
export async function send(
  { kind, secret }: { kind: DestinationKind; secret: string },
  parcel: Parcel,
): Promise<Outcome> {
  try {
    const way = JSON.parse(await secrets.readSecret(secret)) as Way;
    if (kind === "email") return await mail(way.target, parcel);
    return await call(kind, way, parcel);
  } catch (error) {
    // What is thrown here tells names of hosts at most: the path and the query of an address are never in it.
    const reason = error instanceof Error ? error.message : String(error);
    return { arrived: false, error: cut(oneLine(reason), 300), gone: false };
  }
}

/** The mailbox that mails come from; throws `EmailSenderMissing`. */
export function emailSender(): string {
  const sender = process.env.REHEARSAL_EMAIL_FROM;
  if (!sender) throw new RehearsalError("EmailSenderMissing", {});
  return sender;
}

async function call(
  kind: "webhook" | "slack",
  way: Way,
  { id, notice, at, event }: Parcel,
): Promise<Outcome> {
  const body = kind === "slack" ? slackBody(notice) : webhookBody(notice, at, event);
  const seconds = Math.floor(Date.now() / 1_000);
  const answer = await askOutside(new URL(way.target), reachOfNotices(), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      "user-agent": `rehearsal/${VERSION}`,
      ...(way.signing !== undefined && signedHeaders(way.signing, { id, seconds, body })),
    },
    body,
    milliseconds: LONGEST,
    bytes: LARGEST_ANSWER,
  });
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return { arrived: true };
  const retryAfter = retryAfterSeconds(headers["retry-after"], Date.now());
  const moved = status >= 300 && status < 400 ? ", and redirects are not followed" : "";
  return {
    ...{ arrived: false, error: `it answered ${status}${moved}`, gone: status === 410 },
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

const email = openEmail();

async function mail(to: string, { id, notice }: Parcel): Promise<Outcome> {
  await email.send({
    from: emailSender(),
    to,
    subject: mailSubject(notice),
    text: mailText(notice),
    html: noticeEmail(notice),
    // Sent twice it carries the same id; nobody who is away answers it.
    headers: { "X-Rehearsal-Notice": id, "Auto-Submitted": "auto-generated" },
  });
  return { arrived: true };
}

async function factsOf(ledger: Session, event: EventContent): Promise<NoticeFacts> {
  const console = consoleAddress();
  const known = console === undefined ? {} : { console };
  if (event.promotion === null) return known;
  const { release, requestedBy, policy, environment } = await readPromotion(ledger, event.promotion);
  const { role } = await readEnvironment(ledger, environment);
  return { ...known, promotion: { release, requestedBy, fourEyes: wantsFourEyes(policy, role) } };
}

function consoleAddress(): string | undefined {
  return process.env.REHEARSAL_CONSOLE_URL?.replace(/\/$/, "") || undefined;
}
