/** Promotions in a list. */
import { html } from "hono/html";
import type { Status } from "../../core/steps.ts";
import { promotionBadge } from "./badge.ts";
import { filterForm, type Narrowed, narrowedPager } from "./filter.ts";
import type { Html } from "./form.ts";
import { table } from "./table.ts";
import { ago, short } from "./words.ts";

export interface ListedPromotion {
  id: string;
  environment: string;
  release: string;
  requestedBy: string;
  status: Status;
  createdAt: Date;
  endedAt: Date | null;
  /** Why it did not end well. */
  error: { message: string } | null;
}

/** `within`: they are all of the environment whose page it is, which is not named again. */
export function promotionTable(
  promotions: readonly ListedPromotion[],
  now: Date,
  empty: Html | string,
  within = false,
): Html {
  return table({
    caption: "Promotions, the newest first",
    columns: [
      { label: "Promotion" },
      ...(within ? [] : [{ label: "Environment" }]),
      { label: "Status" },
      { label: "Release" },
      { label: "Asked for by" },
      { label: "Begun" },
      { label: "Took", kind: "number" },
    ],
    rows: promotions.map((one) => [
      html`<a href="/console/promotions/${one.id}"><code>${one.id}</code></a>`,
      ...(within ? [] : [html`<a href="/console/environments/${one.environment}">${one.environment}</a>`]),
      html`${promotionBadge(one.status)}${one.error === null ? "" : html`<span class="sub">${one.error.message}</span>`}`,
      short(one.release),
      one.requestedBy,
      ago(one.createdAt, now),
      one.endedAt === null ? "–" : took(one.createdAt, one.endedAt),
    ]),
    empty,
  });
}

interface PromotionsView extends Narrowed {
  promotions: readonly ListedPromotion[];
  now: Date;
}

export function promotionsView(view: PromotionsView): Html {
  return html`<h1>Promotions</h1>
${filterForm("/console/promotions", view)}
<section class="card" aria-label="Promotions">
${promotionTable(view.promotions, view.now, "There is none.")}
${narrowedPager("/console/promotions", "promotions", view)}</section>`;
}

/** Between two instants: `40 s`, `12 min 5 s`, `2 h 10 min`. */
export function took(from: Date, to: Date): string {
  const seconds = Math.max(0, Math.round((to.getTime() - from.getTime()) / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
