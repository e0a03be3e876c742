/** The container's bundle by itself, as `npm run build` leaves it in dist/container. */
import { join } from "node:path";
import { bundle } from "../../infra/bundle.ts";

/** Bundles the entry into a folder below `folder`, which it returns. */
export async function bundleContainer(folder: string): Promise<string> {
  const made = join(folder, "container");
  const entry = join(import.meta.dirname, "../../functions/container/main.ts");
  await bundle({ name: "container", entry, folder: made, maps: join(folder, "maps") });
  return made;
}
