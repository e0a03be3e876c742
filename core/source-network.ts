/** Where a request came from, as far as one household or machine can choose it. */

/**
 * An address of version 4 as it is, of version 6 its first 64 bits: whoever has one such address has the rest of them.
 *
 * @example
 * sourceNetwork("2001:db8::1"); // "2001:db8:0:0"
 */
export function sourceNetwork(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [before = "", behind] = address.toLowerCase().split("%")[0]?.split("::") ?? [];
  const front = groups(before);
  const back = groups(behind ?? "");
  const gap = behind === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return [...front, ...Array<string>(gap).fill("0"), ...back].slice(0, 4).join(":");
}

function groups(text: string): string[] {
  return text === "" ? [] : text.split(":").map((group) => group.replace(/^0+(?=.)/, ""));
}
