/** AWS's paging: at most `maxResults` items (0 or none means 100, never more than 1000) and a token for the rest. */
import * as z from "zod";
import { AwsError } from "../aws-json.ts";

export const paging = {
  maxResults: z.int().min(0).max(1000).optional(),
  nextToken: z.string().max(3096).optional(),
};

/** One page, and the token of the next when there is one; `InvalidToken` for a token that is not of this shape. */
export function page<T>(
  all: readonly T[],
  request: { maxResults?: number | undefined; nextToken?: string | undefined },
): { items: T[]; nextToken: { nextToken?: string } } {
  const from = request.nextToken === undefined ? 0 : placeOf(request.nextToken);
  const to = from + (request.maxResults || 100);
  return {
    items: all.slice(from, to),
    nextToken: to < all.length ? { nextToken: Buffer.from(`at ${to}`).toString("base64url") } : {},
  };
}

function placeOf(token: string): number {
  const found = /^at (\d+)$/.exec(Buffer.from(token, "base64url").toString("utf8"));
  if (found === null) throw new AwsError("InvalidToken", "Invalid Token: 'Invalid token'");
  return Number(found[1]);
}
