/** Going over a page by the keyboard, as somebody who has no mouse: wherever one stands has to be seen. */
import type { Page } from "playwright-core";
import { expect } from "vitest";

/** More stops than any page of the console has before its content. */
const STOPS = 80;

interface Stop {
  /** The element's id, or its words. */
  name: string;
  /** CSS pixels of the ring around it. */
  ring: number;
  inView: boolean;
}

const LOOK = `(() => {
  const at = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const { top, bottom, left, right } = at.getBoundingClientRect();
  return {
    name: at.id || at.textContent.trim(),
    ring: outlineStyle === "none" ? 0 : Number.parseFloat(outlineWidth),
    inView: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
  };
})()`;

/** What has the focus, by its id or its words; throws where one cannot see it. */
export async function focused(page: Page): Promise<string> {
  const stop = await page.evaluate<Stop>(LOOK);
  expect(stop, "where the focus is").toMatchObject({ inView: true });
  expect(stop.ring, `the ring around "${stop.name}"`).toBeGreaterThanOrEqual(2);
  return stop.name;
}

/** Presses Tab until the element with this id, or these words, has the focus. */
export async function tabTo(page: Page, wanted: string): Promise<void> {
  const passed: string[] = [];
  while (passed.length < STOPS) {
    await page.keyboard.press("Tab");
    const name = await focused(page);
    if (name === wanted) return;
    passed.push(name);
  }
  throw new Error(`"${wanted}" cannot be reached by Tab: ${passed.join(", ")}`);
}
