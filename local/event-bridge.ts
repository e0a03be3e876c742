/** EventBridge on this machine: PutEvents on loopback, rules that deliver at least once, and a journal so none is lost. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Json } from "../core/canonical-json.ts";
import { type AwsOperation, type Endpoint, operation, serveAwsJson } from "./aws-json.ts";
import { type EventPattern, matchesPattern } from "./event-pattern.ts";
import { type Journal, openJournal, readJournal } from "./journal.ts";

export interface BusEvent {
  version: "0";
  id: string;
  source: string;
  "detail-type": string;
  account: string;
  /** ISO 8601. */
  time: string;
  region: string;
  resources: string[];
  detail: Json;
}

export interface Rule {
  /** Names the delivery in the journal, so it stays the same between runs. */
  name: string;
  pattern: EventPattern;
  /** Resolves when the event was taken; one that rejects is delivered again. It may see an event twice. */
  target: (event: BusEvent) => Promise<void>;
}

export interface EventBridge extends Endpoint {
  /** Puts an event of a local service on the bus; it is journalled when this resolves, delivered some time later. */
  deliver(event: BusEvent): Promise<void>;
  /** Resolves when nothing is left to deliver. */
  settled(): Promise<void>;
}

export interface EventBridgeOptions {
  folder: string;
  rules: Rule[];
  port?: number;
  fsync?: boolean;
  /** Milliseconds before a delivery is tried again: this, doubled each time up to a minute. */
  firstRetry?: number;
}

type Entry = { accepted: BusEvent; rules: string[] } | { delivered: string; rule: string };

/** Starts the bus; events that were accepted and not yet delivered are delivered now. Every bus name is this one bus. */
export async function startEventBridge(options: EventBridgeOptions): Promise<EventBridge> {
  const deliveries = openDeliveries(options);
  const accept = (event: BusEvent) => deliveries.accept(event);
  const endpoint = await serveAwsJson(
    { target: "AWSEvents", version: "1.1", operations: { PutEvents: putEvents(accept) } },
    options.port,
  );
  deliveries.resume();
  return {
    url: endpoint.url,
    deliver: async (event) => accept(event),
    settled: deliveries.settled,
    stop: async () => {
      await endpoint.stop();
      deliveries.stop();
    },
  };
}

const putEventsShape = z.object({
  Entries: z
    .array(
      z.object({
        Source: z.string().min(1).optional(),
        DetailType: z.string().min(1).max(128).optional(),
        Detail: z.string().optional(),
        EventBusName: z.string().optional(),
        Resources: z.array(z.string()).optional(),
        Time: z.number().optional(),
      }),
    )
    .min(1)
    .max(10),
});

/** One entry that is wrong does not keep the others from being taken: the answer says which. */
function putEvents(accept: (event: BusEvent) => void): AwsOperation {
  return operation(putEventsShape, ({ Entries }) => {
    const answers = Entries.map((entry) => {
      const refused = (code: string, message: string) => ({ ErrorCode: code, ErrorMessage: message });
      for (const field of ["Source", "DetailType", "Detail"] as const)
        if (entry[field] === undefined)
          return refused(
            "InvalidArgument",
            `Parameter ${field} is not valid. Reason: ${field} is a required argument.`,
          );
      if (entry.Source?.startsWith("aws."))
        return refused("NotAuthorizedForSourceException", "Not authorized for the source.");
      const detail = objectIn(entry.Detail ?? "");
      if (detail === undefined) return refused("MalformedDetail", "Detail is malformed.");
      const event: BusEvent = {
        version: "0",
        id: randomUUID(),
        source: entry.Source ?? "",
        "detail-type": entry.DetailType ?? "",
        account: "000000000000",
        time: new Date(entry.Time === undefined ? Date.now() : entry.Time * 1000)
          .toISOString()
          .replace(/\.\d+Z$/, "Z"),
        region: "us-east-1",
        resources: entry.Resources ?? [],
        detail,
      };
      accept(event);
      return { EventId: event.id };
    });
    return { FailedEntryCount: answers.filter((answer) => "ErrorCode" in answer).length, Entries: answers };
  });
}

function objectIn(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What is accepted and not yet delivered, on disk and at work. */
function openDeliveries(options: EventBridgeOptions) {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const path = join(options.folder, "events.jsonl");
  const open = compact(path);
  const journal: Journal<Entry> = openJournal(path, { fsync: options.fsync ?? false });
  const stopping = new AbortController();
  const work = new Set<Promise<void>>();

  const deliverTo = async (rule: Rule, event: BusEvent) => {
    for (let wait = options.firstRetry ?? 200; !stopping.signal.aborted; wait = Math.min(wait * 2, 60_000)) {
      try {
        await rule.target(event);
        if (!stopping.signal.aborted) journal.append({ delivered: event.id, rule: rule.name });
        return;
      } catch {
        // Not taken: it stays in the journal and is tried again, after a restart as well.
        await sleep(wait, stopping.signal);
      }
    }
  };
  const send = (event: BusEvent, names: readonly string[]) => {
    for (const rule of options.rules.filter((one) => names.includes(one.name))) {
      const delivery = deliverTo(rule, event);
      work.add(delivery);
      void delivery.finally(() => work.delete(delivery));
    }
  };
  return {
    accept: (event: BusEvent) => {
      const rules = options.rules
        .filter((rule) => matchesPattern(rule.pattern, event as unknown as Json))
        .map((rule) => rule.name);
      if (rules.length === 0) return;
      journal.append({ accepted: event, rules });
      send(event, rules);
    },
    resume: () => {
      for (const { event, rules } of open) send(event, [...rules]);
    },
    settled: async () => {
      while (work.size > 0) await Promise.allSettled(work);
    },
    // A target at work is not waited for: what it has not confirmed is delivered again by the next run.
    stop: () => {
      stopping.abort();
      journal.close();
    },
  };
}

/** The open deliveries of an earlier run; the journal is rewritten to hold these alone, or it would grow for ever. */
function compact(path: string): { event: BusEvent; rules: Set<string> }[] {
  if (!existsSync(path)) return [];
  const open = new Map<string, { event: BusEvent; rules: Set<string> }>();
  for (const entry of readJournal<Entry>(path)) {
    if ("accepted" in entry)
      open.set(entry.accepted.id, { event: entry.accepted, rules: new Set(entry.rules) });
    else open.get(entry.delivered)?.rules.delete(entry.rule);
  }
  const left = [...open.values()].filter(({ rules }) => rules.size > 0);
  rmSync(`${path}.new`, { force: true });
  const lines = left.map(({ event, rules }) => `${JSON.stringify({ accepted: event, rules: [...rules] })}\n`);
  writeFileSync(`${path}.new`, lines.join(""), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  return left;
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
