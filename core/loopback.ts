/** Which addresses are this machine: nothing that goes there leaves it. */

/** True for a name or an address of this machine, in the form that `URL` gives. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
