/** A promotion's page: shown, kept up to date, decided about, ended, and what its steps wrote handed out. */
import { html } from "hono/html";
import * as z from "zod";
import { RehearsalError } from "../../core/errors.ts";
import { readPromotion } from "../../io/ledger/promotions.ts";
import { promotionMain, promotionParts, titleOf } from "../../web/console/promotion.ts";
import { guard } from "../api/access.ts";
import { environmentName } from "../api/answer.ts";
import { allow } from "../api/request.ts";
import { LONGEST_WAIT, secondsToWait, waitForChange } from "../api/waiting.ts";
import { cancel } from "../cancellation.ts";
import { artifacts } from "../clients.ts";
import { decide } from "../decision.ts";
import { artifactKey, permissionFor } from "../promotion-artifacts.ts";
import { rollBack } from "../rollback.ts";
import { formOf, ID, optional, ticked } from "./doors.ts";
import { formValues } from "./foreign.ts";
import { readView } from "./promotion-view.ts";
import { type PageContext, pages } from "./request.ts";
import { act, show } from "./show.ts";

/** Seconds between two loads where no script runs, as long as something goes on by itself. */
const REFRESH = 5;

/** Seconds that the address of an artifact is good. */
const ADDRESS_SECONDS = 300;

const reads = guard({ permission: "read", of: "promotion" });
const decides = guard({ permission: "decide", of: "promotion" });
const promotes = guard({ permission: "promote", of: "promotion" });

export const promotionPages = pages()
  .get(`/promotions/${ID}`, reads, (c) => promotionPage(c))
  .get(`/promotions/${ID}/live`, reads, async (c) => {
    const ledger = await c.var.ledger();
    const { since = "", report } = c.req.query();
    const id = idOf(c);
    const { state, turnedAway } = await waitForChange(ledger, id, since, secondsToWait(LONGEST_WAIT));
    if (turnedAway) c.header("retry-after", "2");
    if (state === since) return c.body(null, 204);
    return c.html(await promotionParts(await readView(c, id, report), report));
  })
  .get(`/promotions/${ID}/artifacts/:key{.+}`, reads, async (c) => {
    const promotion = await readPromotion(await c.var.ledger(), idOf(c));
    const relative = c.req.param("key");
    const key = artifactKey(promotion, relative);
    allow(c, permissionFor(relative), promotion.environment);
    await artifacts()
      .head(key)
      .catch((error: unknown) => {
        if (error instanceof RehearsalError && error.code === "ObjectMissing")
          throw new RehearsalError("NotFound", { what: "artifact", name: relative });
        throw error;
      });
    return c.redirect(await artifacts().presignGet(key, ADDRESS_SECONDS), 302);
  })
  // Where a refused form was shown again, and its address is asked for once more.
  .get(`/promotions/${ID}/:form{approve|reject|cancel|rollback}`, reads, (c) =>
    c.redirect(`/console/promotions/${idOf(c)}`, 303),
  )
  .post(`/promotions/${ID}/approve`, decides, (c) => decided(c, "approved"))
  .post(`/promotions/${ID}/reject`, decides, (c) => decided(c, "rejected"))
  .post(`/promotions/${ID}/cancel`, promotes, (c) =>
    changed(c, async (id) => cancel(await c.var.ledger(), id, c.var.person)),
  )
  .post(`/promotions/${ID}/rollback`, promotes, (c) =>
    changed(c, async (promotion) => {
      const { confirm, acceptLoss } = await formOf(c, rollbackForm);
      await rollBack(await c.var.ledger(), { promotion, confirm, acceptLoss, by: c.var.person });
    }),
  );

const decisionForm = z.object({
  evidence: z.string().regex(/^[0-9a-f]{64}$/, "evidence is named by 64 hex digits"),
  comment: optional(z.string().trim().max(2_000)),
});

const rollbackForm = z.object({ confirm: optional(environmentName), acceptLoss: ticked });

/** The evidence is the one that the form's page showed. */
async function decided(c: PageContext, verdict: "approved" | "rejected"): Promise<Response> {
  return changed(c, async (promotion) => {
    const { evidence, comment } = await formOf(c, decisionForm);
    const said = comment ? { comment } : {};
    const { person: by, credential } = c.var.actor;
    await decide(await c.var.ledger(), { promotion, verdict, evidence, ...said, by, credential });
  });
}

/** Back to the page when it is done; a refusal shows the page with it, as it stands now, and with what was typed. */
async function changed(c: PageContext, work: (id: string) => Promise<void>): Promise<Response> {
  const id = idOf(c);
  return act(
    c,
    async () => {
      await work(id);
      return `/console/promotions/${id}`;
    },
    (refused) => promotionPage(c, refused),
  );
}

async function promotionPage(
  c: PageContext,
  refused?: Parameters<Parameters<typeof act>[2]>[0],
): Promise<Response> {
  const view = await readView(c, idOf(c));
  const { comment, confirm } = refused === undefined ? {} : await formValues(c);
  const { environment, course } = view;
  const goesOn = course.status === "created" || course.status === "running";
  return show(c, {
    title: titleOf(environment, course.status),
    main: html`${promotionMain({
      ...view,
      refusal: refused?.refusal,
      typed: { ...(comment !== undefined && { comment }), ...(confirm !== undefined && { confirm }) },
    })}`,
    status: refused?.status,
    refresh: goesOn && refused === undefined ? REFRESH : undefined,
  });
}

function idOf(c: PageContext): string {
  return c.req.param("id") ?? "";
}
