/** One release taken back and then promoted, through a fence each time: what closing, swapping and committing ask of a login. */
import type { DatabaseAddress } from "../../core/database-url.ts";
import { execute } from "../postgres.ts";
import { contentOf } from "./content.ts";
import { startHook } from "./hook.ts";
import { OUTSIDE, PROJECT } from "./project.ts";
import type { Service } from "./service.ts";

export interface Passage {
  id: string;
  end: "rolled-back" | "promoted";
  /** What production held when it was approved. */
  approved: Awaited<ReturnType<typeof contentOf>>;
}

/** Promotes twice on an environment that has the SCHEMA of `project.ts`, and tells of each end once it is reached. */
export async function* backAndForth(
  service: Service,
  environment: string,
  address: DatabaseAddress,
): AsyncGenerator<Passage> {
  let status = 500;
  const smoke = await startHook(() => status);
  await service.must("PATCH", `/environments/${environment}`, {
    policy: { hooks: { smoke: smoke.url }, decision: "approval" },
  });
  const release = await service.release({ ...PROJECT, ...OUTSIDE });
  for (const end of ["rolled-back", "promoted"] as const) {
    status = end === "promoted" ? 200 : 500;
    const id = await service.promote(environment, release);
    await service.until(id, "waiting");
    // A write between backup and fence, so that the copy has to be brought up.
    await execute(address, "update segments set starts = starts + 1 where id = 1");
    const approved = await contentOf(address);
    await service.must("POST", `/promotions/${id}/approve`, {}, service.keys.reviewer);
    await service.until(id, end);
    yield { id, end, approved };
  }
  await smoke.stop();
}
