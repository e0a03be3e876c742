/** Addresses at which a cloud tells a machine its own credentials: nobody else has anything there. */

/** 169.254.0.0/16, fe80::/10, and what AWS has beside them in version 6. */
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:|::ffff:a9fe:|fd00:ec2:)/i;

/** True for a host that is written as such an address, as `URL` writes it, with brackets or without. */
export function isLinkLocal(host: string): boolean {
  return LINK_LOCAL.test(host.replace(/^\[|\]$/g, ""));
}
