/** People, what they may, and their keys: for admins. A key's secret is shown once, on the page that answers its making. */
import { html } from "hono/html";
import { ACCESS_ROLES } from "../../core/access.ts";
import { noticeBox, type Refusal, refusalBox } from "./alert.ts";
import { badge } from "./badge.ts";
import { choiceField, type Html, postForm, textField } from "./form.ts";
import { icon } from "./icon.ts";
import { table } from "./table.ts";
import { ago, when } from "./words.ts";

interface GrantView {
  environment: string;
  role: string;
}

interface PersonView {
  name: string;
  grants: readonly GrantView[];
  disabled: boolean;
  createdAt: Date;
  createdBy: string;
}

interface KeyView {
  id: string;
  person: string;
  label: string;
  scope: readonly GrantView[] | null;
  expiresAt: Date | null;
  expired: boolean;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
  createdAt: Date;
}

interface IssuerView {
  name: string;
  /** Whom it vouches for: people, or the pipelines of a forge. */
  kind: string;
  url: string;
  audiences: readonly string[];
}

export interface PeopleView {
  people: readonly PersonView[];
  keys: readonly KeyView[];
  /** Undefined where the service knows none by now. */
  issuers?: readonly IssuerView[] | undefined;
  environments: readonly string[];
  /** A key that was just made: it is in no address and in no other answer. */
  made?: { id: string; person: string; key: string } | undefined;
  now: Date;
  csrf: string;
  notice?: string | undefined;
  refusal?: Refusal | undefined;
}

export function peopleView(view: PeopleView): Html {
  const { people, keys, issuers, now } = view;
  return html`<h1>People</h1>
${refusalBox(view.refusal)}${noticeBox(view.notice)}${view.made === undefined ? "" : madeBox(view.made)}
<section class="card" aria-labelledby="people"><header><h2 id="people">Who may what</h2></header>
${table({
  caption: "People",
  columns: [
    { label: "Person" },
    { label: "Roles" },
    { label: "Known since" },
    { label: "Actions", kind: "act" },
  ],
  rows: people.map((person) => personRow(person, view)),
  empty: "There is nobody.",
})}
<div class="body"><h3>Give or take a role</h3>${roleForm(view)}</div></section>
<section class="card" aria-labelledby="keys"><header><h2 id="keys">Keys</h2></header>
${table({
  caption: "Keys, the newest first",
  columns: [
    { label: "Key" },
    { label: "Person" },
    { label: "May" },
    { label: "State" },
    { label: "Last used" },
    { label: "Actions", kind: "act" },
  ],
  rows: keys.map((key) => keyRow(key, view)),
  empty: "There is none.",
})}
<div class="body"><h3>Make a key</h3>${keyForm(view)}</div></section>
${issuers === undefined ? "" : issuerSection(issuers)}`;

  function personRow({ name, grants, disabled, createdAt, createdBy }: PersonView, { csrf }: PeopleView) {
    return [
      html`<span>${name}</span>${disabled ? html` ${badge("still", "dash", "disabled")}` : ""}`,
      grantWords(grants),
      html`${ago(createdAt, now)}<span class="sub">by ${createdBy}</span>`,
      postForm({
        action: `/console/people/${encodeURIComponent(name)}/${disabled ? "enable" : "disable"}`,
        csrf,
        button: disabled ? "Enable" : "Disable",
        label: `${disabled ? "Enable" : "Disable"} ${name}`,
      }),
    ];
  }
}

function grantWords(grants: readonly GrantView[]): Html {
  if (grants.length === 0) return html`<span class="soft">none</span>`;
  return html`${grants.map(
    ({ environment, role }, index) =>
      html`${index === 0 ? "" : ", "}${role} ${environment === "*" ? "everywhere" : html`of ${environment}`}`,
  )}`;
}

function keyRow(key: KeyView, { now, csrf }: PeopleView) {
  const over = key.revokedAt !== null || key.expired;
  return [
    html`<code>${key.id}</code><span class="sub">${key.label}</span>`,
    key.person,
    key.scope === null ? "all that the person may" : grantWords(key.scope),
    key.revokedAt !== null
      ? badge("still", "dash", "revoked")
      : key.expired
        ? badge("still", "clock", "expired")
        : html`${badge("good", "key", "good")}<span class="sub">${key.expiresAt === null ? "without an end" : html`until ${when(key.expiresAt)}`}</span>`,
    key.lastUsedAt === null ? html`<span class="soft">never</span>` : ago(key.lastUsedAt, now),
    over
      ? ""
      : postForm({
          action: `/console/people/keys/${key.id}/revoke`,
          csrf,
          ...{ button: "Revoke", tone: "danger", label: `Revoke key ${key.id} of ${key.person}` },
        }),
  ];
}

function madeBox({ id, person, key }: NonNullable<PeopleView["made"]>) {
  return html`<section class="notice good" aria-labelledby="made">${icon("key")}<div><h2 id="made">Key <code>${id}</code> of ${person}</h2>
<p>Copy it now: it is kept nowhere, and no page shows it again.</p>
<p class="secret">${key}</p></div></section>`;
}

function roleForm({ environments, csrf }: PeopleView) {
  return postForm({
    action: "/console/people/roles",
    csrf,
    row: true,
    fields: html`${textField({ name: "person", label: "Person, known or new", id: "role-person", required: true, maxLength: 80 })}
${choiceField({ name: "environment", label: "Environment", id: "role-environment", choices: everywhere(environments) })}
${choiceField({ name: "role", label: "Role", id: "role-role", choices: [...ACCESS_ROLES.map((role) => ({ value: role, label: role })), { value: "none", label: "none: take it away" }] })}`,
    button: "Set the role",
  });
}

function keyForm({ people, environments, csrf }: PeopleView) {
  return postForm({
    action: "/console/people/keys",
    csrf,
    row: true,
    fields: html`${choiceField({
      name: "person",
      label: "Person",
      id: "key-person",
      choices: people.filter(({ disabled }) => !disabled).map(({ name }) => ({ value: name, label: name })),
    })}
${textField({ name: "label", label: "What it is for", id: "key-label", required: true, maxLength: 100 })}
${choiceField({
  name: "role",
  label: "Narrowed to",
  id: "key-role",
  choices: [
    { value: "", label: "all they may" },
    ...ACCESS_ROLES.map((role) => ({ value: role, label: role })),
  ],
})}
${choiceField({ name: "environment", label: "In", id: "key-environment", choices: everywhere(environments) })}
${choiceField({
  name: "days",
  label: "Good for",
  id: "key-days",
  chosen: "90",
  choices: [
    { value: "7", label: "7 days" },
    { value: "30", label: "30 days" },
    { value: "90", label: "90 days" },
    { value: "365", label: "a year" },
    { value: "", label: "without an end" },
  ],
})}`,
    button: "Make a key",
  });
}

function everywhere(environments: readonly string[]) {
  return [{ value: "*", label: "everywhere" }, ...environments.map((name) => ({ value: name, label: name }))];
}

function issuerSection(issuers: readonly IssuerView[]) {
  return html`<section class="card" aria-labelledby="issuers"><header><h2 id="issuers">Issuers of tokens</h2></header>${table(
    {
      caption: "Issuers",
      columns: [{ label: "Name" }, { label: "Vouches for" }, { label: "Address" }, { label: "Audiences" }],
      rows: issuers.map(({ name, kind, url, audiences }) => [
        name,
        kind === "people" ? "people" : `pipelines of ${kind}`,
        html`<code>${url}</code>`,
        html`<code>${audiences.join(", ")}</code>`,
      ]),
      empty: "None is known: nobody signs in with a token.",
    },
  )}</section>`;
}
