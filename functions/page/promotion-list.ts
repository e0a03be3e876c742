/** The list of promotions. */
import { listPromotions } from "../../io/ledger/promotions.ts";
import { promotionsView } from "../../web/console/promotions.ts";
import { readable } from "../api/access.ts";
import { promotionId } from "../api/answer.ts";
import { cut, listQuery, optional, queryOf, ROWS } from "./doors.ts";
import { readableNames } from "./listed.ts";
import { pages } from "./request.ts";
import { show } from "./show.ts";

const query = listQuery.extend({ before: optional(promotionId) });

export const promotionListPages = pages().get("/promotions", async (c) => {
  const { environment, before } = queryOf(c, query);
  const found = await listPromotions(await c.var.ledger(), {
    ...readable(c, environment),
    ...(before !== undefined && { before }),
    limit: ROWS + 1,
  });
  const { rows, next } = cut(found, ({ id }) => id);
  const main = promotionsView({
    promotions: rows,
    environments: await readableNames(c),
    environment: environment ?? "",
    now: new Date(),
    next,
    further: before !== undefined,
  });
  return show(c, { title: "Promotions", main });
});
