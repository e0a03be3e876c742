/** An environment's store: which of the two counts, how far the files follow, what was compared, and what was done about it. */
import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import type { StorePhase } from "../../core/stores.ts";
import { isTaskEnded, type TaskStatus } from "../../core/tasks.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { badge, roleBadge, type Tone, taskBadge } from "./badge.ts";
import { currentPart } from "./current.ts";
import { type Html, postForm } from "./form.ts";
import type { Shape } from "./icon.ts";
import { factList, table } from "./table.ts";
import { ago, short, when } from "./words.ts";

export interface StoreView {
  id: string;
  release: string;
  /** In words. */
  place: string;
  phase: StorePhase;
  rows: number | undefined;
  feed: string | undefined;
  lag: { changes: number; syncedAt: string } | undefined;
  verification: { task: string; differences: number } | undefined;
  /** The database that is behind the fence: its name outside of it. */
  database: string | undefined;
  createdAt: Date;
  verifiedAt: Date | null;
  cutOverAt: Date | null;
  endedAt: Date | null;
}

export interface StoreTaskView {
  id: string;
  kind: string;
  status: TaskStatus;
  requestedBy: string;
  createdAt: Date;
  error: { message: string } | null;
}

export interface EnvironmentStoreView {
  environment: { name: string; role: string };
  /** The newest; undefined where there was never one. */
  store: StoreView | undefined;
  /** The newest first. */
  tasks: readonly StoreTaskView[];
  mayPromote: boolean;
  once: string;
  now: Date;
  csrf: string;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

const PHASES: Record<StorePhase, [Tone, Shape, string]> = {
  exporting: ["busy", "play", "exporting"],
  following: ["busy", "play", "following"],
  verified: ["good", "check", "verified"],
  "cutting-over": ["wait", "clock", "cutting over"],
  "cut-over": ["good", "check", "counts"],
  "going-back": ["wait", "clock", "going back"],
  returned: ["still", "turn", "returned"],
  "given-up": ["still", "dash", "given up"],
};

export function environmentStoreView(view: EnvironmentStoreView): Html {
  const { environment, store, tasks } = view;
  const { name, role } = environment;
  return html`<p class="trail"><a href="/console">Overview</a> / <a href="/console/environments/${name}">${name}</a></p>
<div class="head"><h1>Store of ${name}</h1>${roleBadge(role)}</div>
${refusalBox(view.refusal)}${noticeBox(view.notice)}
${currentPart(
  tasks.some(({ status }) => !isTaskEnded(status)),
  html`${store === undefined ? noStore(name) : storeSection(view, store)}
${taskSection(view)}`,
)}`;
}

function noStore(name: string) {
  return html`<p class="lead">There is none: what counts is the database. One is made with <code>rehearsal store export ${name}</code>.</p>`;
}

function storeSection({ environment, mayPromote, csrf, once, now }: EnvironmentStoreView, store: StoreView) {
  const { name } = environment;
  const { lag, verification } = store;
  const follows = store.phase === "following" || store.phase === "verified";
  const at = `/console/environments/${name}/store`;
  return html`<section class="card" aria-labelledby="store"><header><h2 id="store"><code>${store.id}</code></h2>${badge(...PHASES[store.phase])}</header>
<div class="body"><p>${WORDS[store.phase]}</p>
${factList([
  ["Place", html`<code>${store.place}</code>`],
  ["Release of its models", short(store.release)],
  ["Change feed", store.feed ?? "none: it stays as it was exported"],
  ["Rows", store.rows === undefined ? undefined : number(store.rows)],
  ["Made", ago(store.createdAt, now)],
  [
    "Brought up",
    lag &&
      `${ago(new Date(lag.syncedAt), now)}, ${lag.changes === 0 ? "nothing was left" : `${number(lag.changes)} changes behind`}`,
  ],
  [
    "Compared",
    verification &&
      (verification.differences === 0
        ? "both sides held the same"
        : `${number(verification.differences)} differences, by ${verification.task}`),
  ],
  ["Verified", store.verifiedAt === null ? undefined : when(store.verifiedAt)],
  ["Cut over", store.cutOverAt === null ? undefined : when(store.cutOverAt)],
  ["Database behind the fence", store.phase === "cut-over" ? store.database : undefined],
  ["Ended", store.endedAt === null ? undefined : when(store.endedAt)],
])}
${
  mayPromote && follows
    ? html`${postForm({ action: `${at}/sync`, csrf, values: { once }, button: "Bring it up" })}
${postForm({ action: `${at}/verify`, csrf, values: { once: `${once}-v` }, button: "Compare it with the database" })}
<p class="hint">To have it count: <code>rehearsal store cutover ${name}</code></p>`
    : ""
}</div></section>`;
}

const WORDS: Record<StorePhase, string> = {
  exporting: "It is being written. What counts is the database.",
  following: "It follows the database, which counts.",
  verified: "It follows the database, which counts, and held the same when they were compared.",
  "cutting-over": "It is about to take the database's place: writers are turned away for that time.",
  "cut-over": "It counts. The database is behind a fence, as it was at the cutover, and nothing is promoted.",
  "going-back": "The database is about to take its place again: writers are turned away for that time.",
  returned: "It is over: what it held is in the database, which counts.",
  "given-up": "It was let go of. What counts is the database; its files lie where they were.",
};

function taskSection({ tasks, now }: EnvironmentStoreView) {
  return html`<section class="card" aria-labelledby="tasks"><header><h2 id="tasks">What was done</h2></header>
${table({
  caption: "Tasks about stores, the newest first",
  columns: [{ label: "Task" }, { label: "What" }, { label: "Status" }, { label: "Asked for" }],
  rows: tasks.map(({ id, kind, status, requestedBy, createdAt, error }) => [
    html`<code>${id}</code>`,
    kind.replace(/^store-/, ""),
    html`${taskBadge(status)}${error === null ? "" : html`<span class="sub">${error.message}</span>`}`,
    html`${ago(createdAt, now)}<span class="sub">by ${requestedBy}</span>`,
  ]),
  empty: "Nothing yet.",
})}</section>`;
}
