/** Lists that come in pages: all of them one after the other, or a word on where the next begins. */
import type * as z from "zod";
import type { Client } from "./client.ts";

/** The most that the service gives at once. */
const PAGE = 200;

/** What every page holds, asked for one after the other. */
export async function everyPage<S extends z.ZodType<{ next: string | null }>, T>(
  client: Client,
  path: string,
  answer: S,
  held: (page: z.output<S>) => readonly T[],
  query: Record<string, string> = {},
): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const asked = new URLSearchParams({
      ...query,
      limit: String(PAGE),
      ...(cursor !== "" && { cursor }),
    });
    const page: z.output<S> = await client.get(`${path}?${asked}`, answer);
    all.push(...held(page));
    cursor = page.next;
  }
  return all;
}

/** A line below a page, where it is not the last. */
export function moreBehind(next: string | null): string {
  return next === null ? "" : `\n\nthere is more: --cursor ${next}`;
}
