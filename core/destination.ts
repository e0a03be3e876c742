/** A destination of notices as an admin registers it: parsed once, by the command and at the service's door. */
import * as z from "zod";
import { NOTICES } from "./notice.ts";

export const DESTINATIONS = ["webhook", "slack", "email"] as const;

export type DestinationKind = (typeof DESTINATIONS)[number];

/** Letters that need no quoting in a header, one address and no more. */
const MAILBOX = /^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/;

export const destinationSchema = z
  .strictObject({
    kind: z.enum(DESTINATIONS),
    /** The address that is called, or the mailbox that is written to. */
    target: z.string().min(1).max(2_000),
    /** All when left out. */
    environments: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "it is not an environment's name"))
      .min(1)
      .max(200)
      .optional(),
    /** Of what it is told. */
    notices: z
      .array(z.enum(NOTICES))
      .min(1)
      .max(50)
      .default([...NOTICES]),
    /** Signs with another secret from now on, which is told in the answer; of a webhook. */
    newSecret: z.boolean().default(false),
  })
  .refine(({ kind, target }) => kind !== "email" || (MAILBOX.test(target) && target.length <= 254), {
    path: ["target"],
    message: "it is not the address of a mailbox",
  })
  .refine(({ kind, target }) => kind === "email" || /^https?:\/\//.test(target), {
    path: ["target"],
    message: "it is not an address on https",
  })
  .refine(({ kind, target }) => kind === "email" || URL.canParse(target), {
    path: ["target"],
    message: "it is not an address that can be called",
  })
  .refine(({ kind, newSecret }) => kind === "webhook" || !newSecret, {
    path: ["newSecret"],
    message: "only webhooks are signed",
  });

export type DestinationSettings = z.output<typeof destinationSchema>;

/** What people may see of a target: of what is called the origin alone, for the rest is as good as a password. */
export function shownTarget({ kind, target }: Pick<DestinationSettings, "kind" | "target">): string {
  return kind === "email" ? target : new URL(target).origin;
}
