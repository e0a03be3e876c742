/** What the command needs of the service's answers about destinations; the rest is passed on by --json as it came. */
import * as z from "zod";
import { DESTINATIONS } from "../core/destination.ts";
import { next } from "./answers.ts";

export const destination = z.looseObject({
  name: z.string(),
  kind: z.enum(DESTINATIONS),
  address: z.string(),
  environments: z.array(z.string()).nullable(),
  notices: z.array(z.string()),
  disabled: z.object({ at: z.string(), because: z.string() }).nullable(),
  waiting: z.number(),
  dead: z.number(),
});

/** With what a webhook is signed with, where that is new. */
export const putDestination = destination.extend({ secret: z.string().optional() });

export const destinations = z.object({ destinations: z.array(destination), next });

export const deliveries = z.object({
  deliveries: z.array(
    z.looseObject({
      seq: z.number(),
      id: z.string(),
      type: z.string(),
      environment: z.string().nullable(),
      promotion: z.string().nullable(),
      status: z.enum(["waiting", "delivered", "dead"]),
      attempts: z.number(),
      error: z.string().nullable(),
      createdAt: z.string(),
    }),
  ),
  next,
});
