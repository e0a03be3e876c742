/** Bars as drawings that stand in the page: no sheet of their own, as wide as there is room, and the same in words. */
import { html } from "hono/html";
import type { Html } from "./form.ts";

interface Bar {
  /** What it is about; longer ones are cut, for the table has them whole. */
  label: string;
  /** A second line under the label. */
  detail?: string;
  parts: readonly BarPart[];
}

export interface BarPart {
  value: number;
  /** The value in words, written behind the bar. */
  text: string;
  tone: "rehearsed" | "real" | "reads" | "writes" | "rows" | "before" | "after";
}

interface Chart {
  /** Unique on the page. */
  id: string;
  title: string;
  /** What the chart shows, for those who do not see it. */
  summary: string;
  bars: readonly Bar[];
  /** A line across all bars: a budget. */
  limit?: { value: number; text: string };
}

/** The longest bar's share of the width; the words stand behind it. */
const SPAN = 62;
const LABEL = 18;
const DETAIL = 16;
const PART = 18;
const GAP = 10;
/** What fits into half a wide window; a narrow one shows less of it. */
const CHARACTERS = 72;

/** Lengths are shares of the longest value; a bar is never shorter than a hair, so that something is seen of it. */
export function barChart({ id, title, summary, bars, limit }: Chart): Html {
  const longest = Math.max(Number.MIN_VALUE, ...bars.flatMap(({ parts }) => parts.map(({ value }) => value)));
  const shown = limit !== undefined && limit.value <= longest ? limit : undefined;
  let y = shown === undefined ? 0 : LABEL;
  const drawn = bars.map((bar) => {
    const group = barGroup(bar, y, longest);
    y += heightOf(bar);
    return group;
  });
  return html`<svg class="chart" width="100%" height="${y}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${summary}</desc>
${drawn}${shown === undefined ? "" : limitLine(shown, longest, y)}</svg>`;
}

function barGroup({ label, detail, parts }: Bar, top: number, longest: number) {
  const below = top + LABEL + (detail === undefined ? 0 : DETAIL);
  return html`<text class="label" x="0" y="${top + 13}">${cut(label)}</text>${
    detail === undefined ? "" : html`<text class="detail" x="0" y="${top + LABEL + 10}">${cut(detail)}</text>`
  }${parts.map(({ value, text, tone }, index) => {
    const share = shareOf(value, longest);
    const at = below + index * PART;
    return html`<rect class="${tone}" x="0" y="${at + 2}" width="${share}%" height="11" rx="2"/><svg x="${share}%" y="${at}" overflow="visible"><text class="value" x="7" y="11.5">${text}</text></svg>`;
  })}
`;
}

function limitLine({ value, text }: { value: number; text: string }, longest: number, height: number) {
  const at = shareOf(value, longest);
  return html`<line class="limit" x1="${at}%" x2="${at}%" y1="${LABEL}" y2="${height}"/><svg x="${at}%" y="0" overflow="visible"><text class="detail" x="0" y="12" text-anchor="middle">${text}</text></svg>`;
}

function heightOf({ detail, parts }: Bar): number {
  return LABEL + (detail === undefined ? 0 : DETAIL) + parts.length * PART + GAP;
}

/** In hundredths of the width. */
function shareOf(value: number, longest: number): number {
  return Math.max(0.3, Math.round((value / longest) * SPAN * 100) / 100);
}

function cut(text: string): string {
  return text.length <= CHARACTERS ? text : `${text.slice(0, CHARACTERS - 1)}…`;
}
