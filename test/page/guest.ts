/** A person at the console without a script: a browser's cookies, links and forms over the application's own requests. */
import { expect } from "vitest";
import type { World } from "../api/world.ts";
import { type Element, type Markup, readMarkup } from "./markup.ts";

const HOST = "localhost";

export interface Page extends Markup {
  status: number;
  headers: Headers;
  source: string;
  /** That it was asked for by. */
  path: string;
  /** Where a redirect leads. */
  to: string | null;
}

export class Guest {
  readonly cookies = new Map<string, string>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** As a click on a link of our own page; `headers` say otherwise. */
  async get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.#send(path, {
      headers: { "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", ...headers },
    });
  }

  /** As the form of a page that was shown to us: with its hidden fields, and what is typed into it. */
  async submit(page: Page, action: string, typed: Record<string, string> = {}): Promise<Page> {
    const referer = `http://${HOST}${page.path}`;
    return this.post(action, { ...fieldsOf(page, action), ...typed }, { referer });
  }

  async post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Page> {
    return this.#send(path, {
      method: "POST",
      body: new URLSearchParams(fields).toString(),
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
        origin: `http://${HOST}`,
        ...headers,
      },
    });
  }

  async signIn(key: string): Promise<Page> {
    return this.post("/console/sign-in", { key });
  }

  /** A header that is empty is not sent. */
  async #send(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Page> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const asked = Object.entries({ host: HOST, cookie, ...init.headers }).filter(([, value]) => value !== "");
    const response = await this.#world.app.request(path, { ...init, headers: Object.fromEntries(asked) });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const source = await response.text();
    const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
    const markup = isPage ? readMarkup(source) : { problems: [], elements: [], text: source };
    const { status, headers } = response;
    return { ...markup, path, source, status, headers, to: headers.get("location") };
  }
}

/** A page that is well formed, and was given. */
export async function shown(visitor: Guest, path: string): Promise<Page> {
  const page = await visitor.get(path);
  expect([path, page.status, page.problems]).toEqual([path, 200, []]);
  return page;
}

export function hasForm(page: Page, action: string): boolean {
  return page.elements.some(({ name, attributes }) => name === "form" && attributes.action === action);
}

/** What the session's forms carry; empty where there is none. */
export function secretOf(page: Page): string {
  return page.elements.find(({ attributes }) => attributes.name === "csrf")?.attributes.value ?? "";
}

/** The box that tells a refusal: its text, with the hint and the code. */
export function alertOf(page: Page): string | undefined {
  const box = page.elements.find(({ attributes }) => attributes.role === "alert");
  return box?.text.replaceAll(/\s+/g, " ").trim();
}

/** Where the link with this text leads. */
export function linkOf(page: Page, text: string): string | undefined {
  return page.elements.find((one) => one.name === "a" && one.text.trim() === text)?.attributes.href;
}

/** What a form sends when nothing is typed: hidden fields, and the first choice of each. Throws when the page has no such form. */
function fieldsOf(page: Page, action: string): Record<string, string> {
  const index = page.elements.findIndex(
    ({ name, attributes }) => name === "form" && attributes.action === action,
  );
  if (index < 0) throw new Error(`the page has no form for ${action}`);
  const inside = ({ within }: Element): boolean => {
    const around = page.elements[within];
    return within === index || (around !== undefined && inside(around));
  };
  const fields: Record<string, string> = {};
  for (const element of page.elements.filter(inside)) {
    const { name, attributes } = element;
    const called = attributes.name ?? "";
    if (name === "input" && attributes.type !== "checkbox") fields[called] = attributes.value ?? "";
    if (name === "select") fields[called] = chosen(page, element);
  }
  return fields;
}

function chosen(page: Page, select: Element): string {
  const options = page.elements.filter(
    ({ name, within }) => name === "option" && page.elements[within] === select,
  );
  const option = options.find(({ attributes }) => "selected" in attributes) ?? options[0];
  return option?.attributes.value ?? "";
}
