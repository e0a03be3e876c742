/** `rehearsal log`: the promotion log, and `log verify`, which believes nobody: the chain is computed here once more. */
import { Command } from "commander";
import { RehearsalError } from "../../core/errors.ts";
import { type EventContent, findBrokenLink, LOG_START, type LogEntry, type LogHead } from "../../core/log.ts";
import { logPage, logProof } from "../answers.ts";
import type { Client } from "../client.ts";
import type { Act, Declare } from "../command.ts";
import { moreBehind } from "../paging.ts";
import { columns, facts, when } from "../text.ts";

/** Entries per request: the most that the service gives. */
const PAGE = 200;

interface Options {
  after: string;
  cursor?: string;
  limit: string;
}

export const logCommand: Declare = (act) =>
  new Command("log")
    .description("The promotion log, oldest first")
    .argument("[promotion]", "only what concerns this one")
    .option("--after <seq>", "begin behind this event", "0")
    .option("--cursor <next>", "go on where a page before it ended")
    .option("--limit <count>", "how many", String(PAGE))
    .addCommand(verifyCommand(act))
    .action(
      act(async (context, id: string | undefined, { after, limit, cursor }: Options) => {
        const client = await context.client();
        const path = id === undefined ? "/log" : `/promotions/${encodeURIComponent(id)}/log`;
        const query = new URLSearchParams({ after, limit, ...(cursor !== undefined && { cursor }) });
        const found = await client.get(`${path}?${query}`, logPage);
        return { value: found, text: listed(found.entries) + moreBehind(found.next) };
      }),
    );

const verifyCommand = (act: Act) =>
  new Command("verify")
    .description("Prove the log: recompute the chain here, and ask the service to compare its copies")
    .action(
      act(async (context, _: object) => {
        const client = await context.client();
        const proof = await client.get("/log/verify", logProof);
        if (proof.broken !== undefined) throw new RehearsalError("LogBroken", proof.broken);
        const head = await recompute(client, proof);
        return {
          value: { ...proof, recomputed: head.seq },
          text: facts({
            events: `${proof.events}, each linked to the one before it`,
            head: proof.head,
            copies: `${proof.copies} in the bucket, equal to the ledger's`,
            recomputed: `${head.seq} on this machine`,
          }),
        };
      }),
    );

/** Walks the chain as it is handed out; throws `LogBroken` when it does not hold, or is not the one the service proved. */
async function recompute(client: Client, proof: { events: number; head: string }): Promise<LogHead> {
  let head: LogHead = { seq: 0, hash: LOG_START };
  let atProof = proof.events === 0 ? LOG_START : undefined;
  for (;;) {
    const { entries, next } = await client.get(`/log?after=${head.seq}&limit=${PAGE}`, logPage);
    const broken = findBrokenLink(entries, head);
    if (broken !== undefined) throw new RehearsalError("LogBroken", broken);
    atProof ??= entries.find(({ seq }) => seq === proof.events)?.hash;
    head = entries.at(-1) ?? head;
    if (next === null) break;
  }
  if (atProof !== proof.head)
    throw new RehearsalError("LogBroken", {
      seq: proof.events,
      reason: "the service proved another chain than it hands out",
    });
  return head;
}

function listed(entries: readonly LogEntry[]): string {
  if (entries.length === 0) return "no events";
  const rows = entries.map(({ seq, body }) => {
    const content = JSON.parse(body) as EventContent;
    const { at, type, environment, promotion, data } = content;
    return [String(seq), when(at), environment ?? "", promotion ?? "", type, told(data)];
  });
  return columns([["SEQ", "AT", "ENVIRONMENT", "PROMOTION", "EVENT", ""], ...rows]);
}

/** The data in short: single values only, the first of them. */
function told(data: EventContent["data"]): string {
  if (data === null || typeof data !== "object") return "";
  return Object.entries(data)
    .filter(
      ([, value]) => typeof value === "string" || typeof value === "number" || typeof value === "boolean",
    )
    .filter(([, value]) => value !== "")
    .slice(0, 4)
    .map(
      ([name, value]) =>
        `${name} ${/^[0-9a-f]{64}$/.test(String(value)) ? String(value).slice(0, 12) : value}`,
    )
    .join(", ");
}
