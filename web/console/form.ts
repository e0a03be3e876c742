/** Forms of the console: every one that changes something carries the session's secret, and works without a script. */
import { html } from "hono/html";

/** What `html` makes: every value in it escaped. */
export type Html = ReturnType<typeof html>;

/** The field that proves that the form came from a page of this session. */
export function csrfField(csrf: string): Html | "" {
  return csrf === "" ? "" : html`<input type="hidden" name="csrf" value="${csrf}">`;
}

interface PostForm {
  action: string;
  csrf: string;
  /** The button's words. */
  button: string;
  /** `main`: the one thing to do here; `danger`: what is hard to undo. */
  tone?: "main" | "danger" | "quiet";
  /** Hidden values. */
  values?: Readonly<Record<string, string>>;
  /** The fields in front of the button. */
  fields?: Html | "";
  /** The fields and the button beside one another, where there is room. */
  row?: boolean;
  /** What the button is about, for those who hear only the button: "Verify backup b1". */
  label?: string;
}

/** A form that posts; without fields it is one line. */
export function postForm(form: PostForm): Html {
  const { action, csrf, button, tone = "quiet", values = {}, fields = "", row = false, label } = form;
  const shape = fields === "" ? "inline" : row ? "row" : "stacked";
  return html`<form class="${shape}" method="post" action="${action}">${csrfField(csrf)}
${Object.entries(values).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
${fields}<button class="button ${tone}" type="submit"${label === undefined ? "" : html` aria-label="${label}"`}>${button}</button></form>`;
}

interface Field {
  name: string;
  label: string;
  /** Also the id's beginning where a page has two fields of one name. */
  id?: string;
  hint?: string;
  value?: string;
  type?: "text" | "password" | "search" | "date";
  required?: boolean;
  autocomplete?: string;
  maxLength?: number;
}

/** A line of text with its label. */
export function textField(field: Field): Html {
  const { name, label, id = name, hint, value = "", type = "text", required = false, autocomplete } = field;
  return html`<div class="field"><label for="${id}">${label}</label>
<input id="${id}" name="${name}" type="${type}" value="${value}" maxlength="${field.maxLength ?? 500}" spellcheck="false" autocapitalize="off" autocomplete="${autocomplete ?? "off"}"${required ? html` required` : ""}${hint === undefined ? "" : html` aria-describedby="${id}-hint"`}>
${hint === undefined ? "" : html`<p class="hint" id="${id}-hint">${hint}</p>`}</div>`;
}

export interface Choice {
  value: string;
  label: string;
}

/** One of several, with its label. */
export function choiceField(field: {
  name: string;
  label: string;
  id?: string;
  choices: readonly Choice[];
  chosen?: string;
  hint?: string;
}): Html {
  const { name, label, id = name, choices, chosen, hint } = field;
  return html`<div class="field"><label for="${id}">${label}</label>
<select id="${id}" name="${name}"${hint === undefined ? "" : html` aria-describedby="${id}-hint"`}>${choices.map(
    (choice) =>
      html`<option value="${choice.value}"${choice.value === chosen ? html` selected` : ""}>${choice.label}</option>`,
  )}</select>
${hint === undefined ? "" : html`<p class="hint" id="${id}-hint">${hint}</p>`}</div>`;
}

/** Yes or no. */
export function checkField(field: {
  name: string;
  label: string;
  id?: string;
  hint?: string;
  checked?: boolean;
}): Html {
  const { name, label, id = name, hint, checked = false } = field;
  return html`<div class="field check"><input id="${id}" name="${name}" type="checkbox" value="yes"${checked ? html` checked` : ""}${hint === undefined ? "" : html` aria-describedby="${id}-hint"`}><label for="${id}">${label}</label>
${hint === undefined ? "" : html`<p class="hint" id="${id}-hint">${hint}</p>`}</div>`;
}
