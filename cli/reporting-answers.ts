/** What the command needs of the service's answers about reports and documents. */
import * as z from "zod";

export const reports = z.looseObject({
  release: z.string(),
  reports: z.array(
    z.looseObject({
      name: z.string(),
      kind: z.enum(["report", "document"]),
      description: z.string(),
      formats: z.array(z.string()),
    }),
  ),
  next: z.string().nullable(),
});

export type Reports = z.infer<typeof reports>;

/** What `reporting download` has written. */
export const downloaded = z.looseObject({
  task: z.string(),
  path: z.string(),
  files: z.number(),
  bytes: z.number(),
});
