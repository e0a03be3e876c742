/** Backups in a list, and one of them with what its manifest says. */

import { html } from "hono/html";
import { number } from "../../core/counts.ts";
import { bytes, duration } from "../../core/report-words.ts";
import { isTaskEnded, type TaskStatus } from "../../core/tasks.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { backupBadge, taskBadge } from "./badge.ts";
import { currentPart } from "./current.ts";
import { filterForm, type Narrowed, narrowedPager } from "./filter.ts";
import { checkField, type Html, postForm } from "./form.ts";
import { factList, table } from "./table.ts";
import { ago, when } from "./words.ts";

export interface BackupRowView {
  id: string;
  environment: string;
  status: string;
  takenAt: Date;
  bytes: number;
  rawBytes: number | null;
  rows: number;
  verifiedAt: Date | null;
  verifiedBy: "restore" | "objects" | null;
  restoreSeconds: number | null;
  retention: string;
  retainUntil: Date;
  held: { reason: string; by: string } | null;
  expiredAt: Date | null;
  error: { message: string } | null;
  /** Whether this person may have it verified. */
  mayVerify: boolean;
}

/** What a form of the list carries. */
interface Acting {
  csrf: string;
  once: string;
  /** They are all of the environment whose page it is, which is not named again. */
  within?: boolean;
}

export function backupTable(backups: readonly BackupRowView[], now: Date, acting: Acting): Html {
  return table({
    caption: "Backups, the newest first",
    columns: [
      { label: "Backup" },
      ...(acting.within ? [] : [{ label: "Environment" }]),
      { label: "Status" },
      { label: "Taken" },
      { label: "Verified" },
      { label: "Stored", kind: "number" },
      { label: "Rows", kind: "number" },
      { label: "Restored in", kind: "number" },
      { label: "Kept until" },
      { label: "Actions", kind: "act" },
    ],
    rows: backups.map((backup) => [
      html`<a href="/console/backups/${backup.id}"><code>${backup.id}</code></a>`,
      ...(acting.within
        ? []
        : [html`<a href="/console/environments/${backup.environment}">${backup.environment}</a>`]),
      html`${backupBadge(backup.status)}${backup.error === null ? "" : html`<span class="sub">${backup.error.message}</span>`}`,
      ago(backup.takenAt, now),
      verifiedWords(backup, now),
      bytes(backup.bytes),
      number(backup.rows),
      backup.restoreSeconds === null ? "–" : duration(backup.restoreSeconds * 1_000),
      keptWords(backup),
      verifyForm(backup, acting),
    ]),
    empty: "There is none yet. Each promotion takes one.",
  });
}

interface BackupsView extends Acting, Narrowed {
  backups: readonly BackupRowView[];
  now: Date;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

export function backupsView(view: BackupsView): Html {
  return html`<h1>Backups</h1>
${refusalBox(view.refusal)}${noticeBox(view.notice)}
${filterForm("/console/backups", view)}
<section class="card" aria-label="Backups">${backupTable(view.backups, view.now, view)}
${narrowedPager("/console/backups", "backups", view)}</section>`;
}

interface BackupTaskView {
  id: string;
  kind: string;
  status: TaskStatus;
  requestedBy: string;
  createdAt: Date;
  error: { message: string; hint: string } | null;
  progress: { done: { bytes: number; rows: number }; secondsLeft?: number | undefined } | null;
}

interface BackupView extends Acting {
  backup: BackupRowView & { promotion: string | null; base: string | null };
  /** Null once it is expired, or where it is damaged. */
  manifest: {
    server: string;
    database: string;
    encoding: string;
    locale: string;
    sha256: string;
    tables: readonly { table: string; bytes: number; rawBytes: number; rows: number }[];
    emptyTables: number;
    largeObjects: { count: number; bytes: number };
    extensions: readonly { name: string; version: string }[];
    notCarried: Readonly<Record<string, readonly string[]>>;
  } | null;
  damage: Refusal | null;
  tasks: readonly BackupTaskView[];
  now: Date;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

export function backupView(view: BackupView): Html {
  const { backup, manifest, damage, tasks, now } = view;
  return html`<p class="trail"><a href="/console/backups">Backups</a></p>
${currentPart(
  tasks.some(({ status }) => !isTaskEnded(status)),
  html`<div class="head"><h1>Backup <code>${backup.id}</code></h1>${backupBadge(backup.status)}</div>
${refusalBox(view.refusal ?? damage ?? undefined)}${noticeBox(view.notice)}
<section class="card" aria-labelledby="facts"><header><h2 id="facts">What it is</h2></header><div class="body">${factList(
    [
      ["Environment", html`<a href="/console/environments/${backup.environment}">${backup.environment}</a>`],
      ["Taken", when(backup.takenAt)],
      ["Verified", verifiedWords(backup, now)],
      ["Restored in", backup.restoreSeconds === null ? "–" : duration(backup.restoreSeconds * 1_000)],
      ["Stored", bytes(backup.bytes)],
      ["Before compression", backup.rawBytes === null ? "–" : bytes(backup.rawBytes)],
      ["Rows", number(backup.rows)],
      ["Kept as", backup.retention],
      ["Kept until", keptWords(backup)],
      [
        "Taken by",
        backup.promotion === null
          ? "itself"
          : html`<a href="/console/promotions/${backup.promotion}">${backup.promotion}</a>`,
      ],
      [
        "Builds on",
        backup.base === null ? "nothing" : html`<a href="/console/backups/${backup.base}">${backup.base}</a>`,
      ],
      ...(manifest === null
        ? []
        : ([
            ["Server", `Postgres ${manifest.server}`],
            ["Database", `${manifest.database}, ${manifest.encoding}, ${manifest.locale}`],
            [
              "Extensions",
              manifest.extensions.map(({ name, version }) => `${name} ${version}`).join(", ") || "none",
            ],
            [
              "Large objects",
              `${number(manifest.largeObjects.count)}, ${bytes(manifest.largeObjects.bytes)}`,
            ],
          ] as const)),
    ],
  )}${verifyChoice(view)}</div></section>
${taskSection(backup.id, tasks, now)}`,
)}
${manifest === null ? "" : tablesSection(manifest)}`;
}

function tablesSection({ tables, emptyTables, notCarried }: NonNullable<BackupView["manifest"]>) {
  const left = Object.entries(notCarried).filter(([, names]) => names.length > 0);
  return html`<section class="card" aria-labelledby="tables"><header><h2 id="tables">Tables</h2>${emptyTables === 0 ? "" : html`<p class="more soft">and ${emptyTables} empty</p>`}</header>
${table({
  caption: "Tables, the largest first",
  columns: [
    { label: "Table" },
    { label: "Rows", kind: "number" },
    { label: "Stored", kind: "number" },
    { label: "Before compression", kind: "number" },
  ],
  rows: tables.map((one) => [
    html`<code>${one.table}</code>`,
    number(one.rows),
    bytes(one.bytes),
    bytes(one.rawBytes),
  ]),
  empty: "It holds no rows.",
})}${left.length === 0 ? "" : html`<div class="body"><h3>Not in it, for it belongs to the server</h3>${factList(left.map(([what, names]) => [inWords(what), names.join(", ")]))}</div>`}</section>`;
}

/** `otherDatabases` as people say it. */
const inWords = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function taskSection(backup: string, tasks: readonly BackupTaskView[], now: Date) {
  if (tasks.length === 0) return "";
  return html`<section class="card" aria-labelledby="tasks"><header><h2 id="tasks">What was done with it</h2>${tasks.some(({ status }) => !isTaskEnded(status)) ? html`<p class="more"><a href="/console/backups/${backup}">Look again</a></p>` : ""}</header>
${table({
  caption: "Tasks, the newest first",
  columns: [
    { label: "Task" },
    { label: "What" },
    { label: "Status" },
    { label: "Asked for by" },
    { label: "When" },
  ],
  rows: tasks.map(({ id, kind, status, requestedBy, createdAt, error, progress }) => [
    html`<code>${id}</code>`,
    kind,
    html`${taskBadge(status)}${error === null ? "" : html`<span class="sub">${error.message}; ${error.hint}</span>`}${
      progress === null || status !== "running"
        ? ""
        : html`<span class="sub">${bytes(progress.done.bytes)}, ${number(progress.done.rows)} rows so far</span>`
    }`,
    requestedBy,
    ago(createdAt, now),
  ]),
})}</section>`;
}

function verifiedWords({ verifiedAt, verifiedBy }: BackupRowView, now: Date) {
  if (verifiedAt === null) return html`<span class="soft">never</span>`;
  return html`${ago(verifiedAt, now)}<span class="sub">${verifiedBy === "restore" ? "by a restore that was compared" : "by reading every object"}</span>`;
}

function keptWords({ held, retainUntil, expiredAt, retention }: BackupRowView) {
  if (expiredAt !== null) return html`<span class="soft">expired ${when(expiredAt)}</span>`;
  if (held !== null) return html`held<span class="sub">by ${held.by}: ${held.reason}</span>`;
  return html`${when(retainUntil)}<span class="sub">${retention}</span>`;
}

function verifyForm({ id, mayVerify, expiredAt }: BackupRowView, { csrf, once }: Acting) {
  if (!mayVerify || expiredAt !== null) return "";
  return postForm({
    action: `/console/backups/${id}/verify`,
    csrf,
    values: { once: `${once}-${id}` },
    ...{ button: "Verify", label: `Verify backup ${id}` },
  });
}

function verifyChoice({ backup, csrf, once }: BackupView) {
  if (!backup.mayVerify || backup.expiredAt !== null) return "";
  return postForm({
    action: `/console/backups/${backup.id}/verify`,
    csrf,
    values: { once },
    fields: checkField({
      name: "restore",
      label: "Restore it into a database, compare that, and drop it",
      hint: "Without this every object is read and held against what was written.",
    }),
    button: "Verify",
  });
}
