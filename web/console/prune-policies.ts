/** Retention policies as a release has them: what each would have go, how it was tested, and what may be begun with it. */

import { html } from "hono/html";
import { age, number } from "../../core/counts.ts";
import { isTaskEnded, type TaskStatus } from "../../core/tasks.ts";
import { badge, taskBadge } from "./badge.ts";
import { checkField, choiceField, type Html, postForm, textField } from "./form.ts";
import { table } from "./table.ts";
import { ago } from "./words.ts";

export interface PolicyView {
  name: string;
  root: string;
  /** In seconds. */
  grace: number;
  automate: boolean;
  keeps: readonly string[];
  prunes: readonly string[];
  /** The newest test. */
  test: PolicyTestView | null;
  /** The task of a test that was begun, the newest. */
  task: { id: string; status: TaskStatus; error: { message: string; hint: string } | null } | null;
}

interface PolicyTestView {
  passed: boolean;
  /** Whether it was of the policy as it is now. */
  current: boolean;
  testedAt: Date;
  records: number;
  rows: number;
  problems: readonly string[];
}

interface Around {
  environment: { name: string; role: string };
  backups: readonly string[];
  mayPromote: boolean;
  once: string;
  now: Date;
  csrf: string;
}

/** The policies, their tests, and the forms that begin something. */
export function policySection(view: Around, policies: readonly PolicyView[]): Html {
  const { mayPromote, now } = view;
  return html`<section class="card" aria-labelledby="policies"><header><h2 id="policies">Policies</h2></header>
${table({
  caption: "Retention policies of the release that was promoted last",
  columns: [
    { label: "Policy" },
    { label: "Goes, unless something that stays points at it" },
    { label: "Stays" },
    { label: "Grace" },
    { label: "Mode" },
    { label: "Last test on a copy" },
  ],
  rows: policies.map((one) => [
    html`${one.name}<span class="sub">of <code>${one.root}</code></span>`,
    codes(one.prunes),
    codes(one.keeps),
    one.grace === 0 ? "none" : age(one.grace),
    one.automate ? badge("wait", "play", "deletes by itself") : badge("still", "dash", "tells only"),
    html`${testWords(one.test, now)}${taskWords(one)}`,
  ]),
  empty: "The release has none: nothing is ever pruned here.",
})}
${mayPromote && policies.length > 0 ? forms(view, policies) : ""}</section>`;
}

const codes = (names: readonly string[]) =>
  names.length === 0
    ? "–"
    : html`${names.map((name, at) => html`${at === 0 ? "" : ", "}<code>${name}</code>`)}`;

function testWords(test: PolicyTestView | null, now: Date): Html {
  if (test === null) return html`<span class="soft">never</span>`;
  const { passed, current, testedAt, records, rows, problems } = test;
  return html`${passed ? badge("good", "check", "passed") : badge("bad", "cross", "refused")}
<span class="sub">${ago(testedAt, now)}, ${number(records)} ${records === 1 ? "record" : "records"}, ${number(rows)} ${rows === 1 ? "row" : "rows"}</span>${
    current ? "" : html`<span class="sub">of another wording of it: test it again</span>`
  }${problems.map((problem) => html`<span class="sub">${problem}</span>`)}`;
}

/** Of a test that is under way, or that did not come to an end. */
function taskWords({ task }: PolicyView) {
  if (task === null || task.status === "succeeded") return "";
  if (!isTaskEnded(task.status)) return taskBadge(task.status);
  return html`${taskBadge(task.status)}${task.error === null ? "" : html`<span class="sub">${task.error.message}</span><span class="sub">${task.error.hint}</span>`}`;
}

function forms({ environment, backups, once, csrf }: Around, policies: readonly PolicyView[]) {
  const { name, role } = environment;
  const at = `/console/environments/${name}/prunes`;
  const choices = policies.map((policy) => ({ value: policy.name, label: policy.name }));
  const policy = (id: string) => choiceField({ name: "policy", id, label: "Policy", choices });
  return html`<div class="body">${postForm({
    action: `${at}/plan`,
    csrf,
    values: { once: `${once}-plan` },
    fields: html`${policy("plan-policy")}${textField({
      ...{ name: "record", id: "plan-record", label: "Record", maxLength: 1_000 },
      hint: "Its primary key. Left empty, the whole backlog is looked at.",
    })}`,
    ...{ button: "Tell what would go", tone: "main" },
  })}</div>
<div class="body">${
    backups.length === 0
      ? html`<p class="soft">A test needs a backup, and there is none that can be used.</p>`
      : postForm({
          action: `${at}/test`,
          csrf,
          values: { once: `${once}-test` },
          fields: html`${policy("test-policy")}${choiceField({
            ...{ name: "backup", id: "test-backup", label: "Backup" },
            choices: backups.map((id) => ({ value: id, label: id })),
            hint: "It is restored into a copy, which is pruned, compared, put back, compared again and dropped.",
          })}`,
          button: "Test on a copy",
        })
  }</div>
<div class="body">${postForm({
    action: `${at}/run`,
    csrf,
    values: { once: `${once}-run` },
    fields: html`${policy("run-policy")}${textField({
      ...{ name: "record", id: "run-record", label: "Record", maxLength: 1_000 },
      hint: "Its primary key. Left empty, the whole backlog is pruned.",
    })}${
      role === "prod"
        ? textField({
            ...{ name: "confirm", id: "run-confirm", label: `Type ${name} to confirm`, required: true },
          })
        : checkField({ name: "sure", id: "run-sure", label: "I have read what would go" })
    }`,
    ...{ button: "Prune", tone: "danger", label: `Prune ${name}` },
  })}</div>`;
}
