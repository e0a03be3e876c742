/** Fetches a small document whose address somebody else chose. */
import { askOutside, type Reach } from "./outside-request.ts";

const LONGEST_ANSWER = 5_000;
const LARGEST_DOCUMENT = 256 * 1024;

/**
 * The body of a 200. Throws an Error whose message is a reason: another status (a redirect is one), too large, too slow,
 * not reachable, or an address that is out of reach.
 */
export async function readPublicDocument(
  address: URL,
  reach: Reach,
  limits: { milliseconds?: number; bytes?: number } = {},
): Promise<string> {
  const { milliseconds = LONGEST_ANSWER, bytes = LARGEST_DOCUMENT } = limits;
  const headers = { accept: "application/json, application/jwk-set+json" };
  const { status, body, cut } = await askOutside(address, reach, {
    ...{ method: "GET", headers, milliseconds, bytes },
  });
  if (status !== 200) throw new Error(`it answered ${status}`);
  if (cut) throw new Error(`it answered with more than ${bytes} bytes`);
  return body;
}
