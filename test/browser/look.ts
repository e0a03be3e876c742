/** What is wrong with a page to the eye: rules of accessibility that it breaks, in both themes, and what sticks out of a narrow window. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { BrowserContext, Page } from "playwright-core";

const WIDE = { width: 1280, height: 800 };
/** CSS pixels of the narrowest phones in use. */
const NARROW = { width: 360, height: 640 };

/** Puts axe into every page of the window, past its policy on content and without weakening it. */
export async function withAxe(context: BrowserContext): Promise<void> {
  const content = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await context.addInitScript({ content });
}

/** A line for each thing that is wrong; everything that can be opened is open. */
export async function wrongWith(page: Page): Promise<string[]> {
  await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
  const wrong: string[] = [];
  const grounds: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    // Without motion, so that a theme is there at once.
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    grounds.push(await page.evaluate<string>("getComputedStyle(document.body).backgroundColor"));
    for (const violation of await page.evaluate<string[]>(AXE[colorScheme]))
      wrong.push(`${colorScheme}: ${violation}`);
  }
  if (grounds[0] === grounds[1]) wrong.push(`light and dark are both ${grounds[0]}`);
  await page.setViewportSize(NARROW);
  for (const element of await page.evaluate<string[]>(STICKS_OUT)) wrong.push(`at 360 px: ${element}`);
  await page.setViewportSize(WIDE);
  return wrong;
}

const axe = (options: object) => `axe
  .run(document, ${JSON.stringify({ resultTypes: ["violations"], preload: false, ...options })})
  .then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 5).map((node) => node.html.slice(0, 160) + " " + node.failureSummary.split("\\n").at(-1).slice(0, 160)).join(" | ")))`;

/** Every rule once; another theme changes nothing but colours. */
const AXE = { light: axe({}), dark: axe({ runOnly: ["color-contrast", "link-in-text-block"] }) };

/** The page itself may not scroll sideways; whoever makes it do so is named. */
const STICKS_OUT = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const out = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
  return [scrollWidth + " px wide", ...out.slice(0, 6).map((one) => one.outerHTML.slice(0, 160))];
})()`;
