/** The log: its newest entries, and its chain proved on request. */
import * as z from "zod";
import { EVERYWHERE, may } from "../../core/access.ts";
import type { EventContent } from "../../core/log.ts";
import { readNewestEvents } from "../../io/ledger/events.ts";
import { type LogView, logView } from "../../web/console/log.ts";
import { guard, readable } from "../api/access.ts";
import { artifacts } from "../clients.ts";
import { proveLog } from "../log-proof.ts";
import { listQuery, optional, queryOf, ROWS } from "./doors.ts";
import { readableNames } from "./listed.ts";
import { formSecret, type PageContext, pages } from "./request.ts";
import { show } from "./show.ts";

const query = listQuery.extend({ before: optional(z.coerce.number().int().min(1).max(1e15)) });

export const logPages = pages()
  .get("/log", (c) => logPage(c))
  .post("/log/prove", guard({ permission: "read", of: "service" }), async (c) =>
    logPage(c, await proveLog(await c.var.ledger(), artifacts())),
  );

async function logPage(c: PageContext, proof?: LogView["proof"]): Promise<Response> {
  const { environment, before } = queryOf(c, query);
  const { environment: one, among } = readable(c, environment);
  const found = await readNewestEvents(await c.var.ledger(), {
    limit: ROWS + 1,
    ...(before !== undefined && { before }),
    ...(one !== undefined ? { among: [one] } : among !== undefined && { among }),
  });
  const events = found.slice(0, ROWS).map(({ seq, body, hash }) => {
    const { at, type, environment, promotion, data } = JSON.parse(body) as EventContent;
    return { seq, at, type, environment, promotion, data, hash };
  });
  const main = logView({
    events,
    environments: await readableNames(c),
    environment: environment ?? "",
    next: found.length > ROWS ? events.at(-1)?.seq : undefined,
    further: before !== undefined,
    mayProve: may(c.var.actor, "read", EVERYWHERE),
    proof,
    csrf: formSecret(c),
  });
  return show(c, { title: "Log", main });
}
