/** People at browsers: each with a window of their own, and every page watched for what the console must never do. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { openBrowser } from "../../docs/browser.ts";
import type { Service } from "../service/service.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Milliseconds that a page is waited for; on a machine that is busy with much else, a whole promotion takes half of it. */
const PATIENCE = 60_000;

export type Person = keyof Service["keys"];

export class Desk {
  /** Violations of the policy on content, errors of scripts, requests to elsewhere: none may ever be here. */
  readonly faults: string[] = [];
  readonly #service: Service;
  readonly #browser: Browser;
  readonly #folder: string;

  private constructor(service: Service, browser: Browser, folder: string) {
    this.#service = service;
    this.#browser = browser;
    this.#folder = folder;
  }

  static async open(service: Service, name: string): Promise<Desk> {
    const folder = join(ROOT, ".rehearsal/test", String(process.pid), name);
    return new Desk(service, await openBrowser(folder), folder);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** A window that shares nothing with any other, and nobody signed in. */
  async window(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ baseURL: this.#service.url, ...options });
    context.setDefaultTimeout(PATIENCE);
    context.on("console", (message) => {
      if (/content security policy/i.test(message.text())) this.faults.push(message.text());
    });
    context.on("weberror", (error) => this.faults.push(String(error.error())));
    context.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== "data:" && origin !== this.#service.url)
        this.faults.push(`${request.method()} ${request.url()}`);
    });
    return context.newPage();
  }

  /** A window in which the person is signed in, by a link as `rehearsal open` makes it. */
  async signedIn(person: Person, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await this.window(options);
    const { path } = await this.#service.must<{ path: string }>(
      "POST",
      "/sign-ins",
      {},
      this.#service.keys[person],
    );
    const answer = await page.goto(path);
    if (!answer?.ok())
      throw new Error(`${person} cannot sign in: ${answer?.status()} ${await answer?.text()}`);
    return page;
  }
}
