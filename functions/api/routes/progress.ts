/** A promotion's progress, told as it comes: an answer that waits for news, and the same for an EventSource. */
import { createRoute, z } from "@hono/zod-openapi";
import { isEnded } from "../../../core/steps.ts";
import { readEvents } from "../../../io/ledger/events.ts";
import { promotionState } from "../../../io/ledger/state.ts";
import { access } from "../access.ts";
import { idParam, jsonAnswer } from "../answer.ts";
import { tagged, unchanged } from "../etag.ts";
import { detailSchema, readDetail } from "../promotion.ts";
import { refusals } from "../refusals.ts";
import { api } from "../request.ts";
import { LONGEST_WAIT, secondsToWait, waitForChange } from "../waiting.ts";

/** Seconds after which whoever found no place to wait may ask again. */
const NO_PLACE = 2;

/** Milliseconds after which an EventSource comes back; the waiting is done here. */
const COMES_BACK = 200;

/** Events of one answer; what is more comes with the next. */
const EVENTS = 200;

const seconds = z.coerce
  .number()
  .min(0)
  .max(LONGEST_WAIT)
  .default(LONGEST_WAIT)
  .openapi({ description: "How long to wait at most" });

const wait = createRoute({
  method: "get",
  path: "/promotions/{id}/wait",
  operationId: "waitForPromotion",
  ...access("read", "promotion"),
  tags: ["Promotions"],
  summary: "One promotion, as soon as it is another than was seen",
  description:
    "Answers at once when the promotion's ETag is not `etag`, and otherwise when it changes; 304 when it has not within `seconds`. Ask again with the new ETag. Where too many wait already the 304 comes at once, with `Retry-After`.",
  request: {
    params: idParam,
    query: z.object({
      etag: z
        .string()
        .max(200)
        .default("")
        .openapi({ description: "The ETag of what was seen; nothing was when it is left out" }),
      seconds,
    }),
  },
  responses: {
    200: { ...jsonAnswer(detailSchema, "The promotion as it is now"), ...tagged },
    ...unchanged,
    ...refusals("NotFound"),
  },
});

/** The cursor of a stream: the last event of the log that was told, and the state. */
const cursor = z
  .string()
  .regex(/^[0-9]{1,15}\.[0-9a-f]{0,64}$/, 'it is no "id" of this stream')
  .optional();

const events = createRoute({
  method: "get",
  path: "/promotions/{id}/events",
  operationId: "followPromotion",
  ...access("read", "promotion"),
  tags: ["Promotions"],
  summary: "One promotion as server-sent events",
  description:
    "For an EventSource, which comes back by itself with `Last-Event-ID` and so misses nothing: `log` is one entry of the promotion's log, each told once and in order; `promotion` is the promotion as it is now. An answer holds what has happened since, or waits up to 20 s for something to happen: API Gateway and Lambda hand on whole answers, so a stream that stays open would tell everything late. 204 once it has ended and all is told, at which an EventSource stops.",
  request: {
    params: idParam,
    headers: z.object({
      "last-event-id": cursor.openapi({ description: "The `id` that was told last" }),
    }),
    query: z.object({ seconds }),
  },
  responses: {
    200: {
      description: "Events",
      content: { "text/event-stream": { schema: z.string() } },
    },
    204: { description: "It has ended, and all was told" },
    ...refusals("NotFound"),
  },
});

export const progressRoutes = api()
  .openapi(wait, async (c) => {
    const ledger = await c.var.ledger();
    const { id } = c.req.valid("param");
    const { etag, seconds } = c.req.valid("query");
    const seen = etag.replace(/^W\//, "").replaceAll('"', "");
    const { state, turnedAway } = await waitForChange(ledger, id, seen, secondsToWait(seconds));
    c.header("etag", `"${state}"`);
    c.header("cache-control", "private, no-cache");
    if (turnedAway) c.header("retry-after", String(NO_PLACE));
    if (state === seen) return c.body(null, 304);
    return c.json(await readDetail(ledger, id), 200);
  })
  .openapi(events, async (c) => {
    const ledger = await c.var.ledger();
    const { id } = c.req.valid("param");
    const [told = "0", seen = ""] = (c.req.valid("header")["last-event-id"] ?? "").split(".");
    let after = Number(told);
    const unread = () => readEvents(ledger, { after, limit: EVENTS, promotion: id });
    let entries = await unread();
    let state = await promotionState(ledger, id);
    let comesBack = COMES_BACK;
    if (entries.length === 0 && state === seen) {
      if (isEnded((await readDetail(ledger, id)).status)) return c.body(null, 204);
      const waited = await waitForChange(ledger, id, seen, secondsToWait(c.req.valid("query").seconds));
      if (waited.turnedAway) comesBack = NO_PLACE * 1_000;
      state = waited.state;
      entries = await unread();
    }
    const parts = [`retry: ${comesBack}\n\n`];
    for (const entry of entries) {
      after = entry.seq;
      parts.push(event("log", `${after}.${seen}`, entry));
    }
    if (state !== seen) parts.push(event("promotion", `${after}.${state}`, await readDetail(ledger, id)));
    if (parts.length === 1) parts.push(": nothing new\n\n");
    return c.body(parts.join(""), 200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
  });

/** JSON has no line feeds outside its strings, and writes those inside as escapes. */
function event(name: string, id: string, data: object): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}
