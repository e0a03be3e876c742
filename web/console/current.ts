/** The part of a page that a script asks for anew while something is under way, so that nobody has to reload it. */
import { html } from "hono/html";
import type { Status } from "../../core/steps.ts";
import type { Html } from "./form.ts";

/** Seconds between two looks: while something moves, and while nothing does. */
const MOVING = 3;
const STILL = 30;

/** Where no script runs, a page on which something moves is loaded again after so many seconds. */
export const RELOADED = 10;

/** Whether a promotion goes on without a person. */
export function moves(promotion: { status: Status } | null): boolean {
  return promotion?.status === "created" || promotion?.status === "running";
}

export function currentPart(isMoving: boolean, inside: Html): Html {
  return html`<div class="current" id="current" data-again="${isMoving ? MOVING : STILL}">${inside}</div>`;
}
