/** Below which folders of its machine a service keeps stores: what leads elsewhere by a link lies elsewhere. */
import { realpath } from "node:fs/promises";
import { delimiter, dirname, resolve, sep } from "node:path";
import { orMissing } from "../../core/missing.ts";

/** Whether a folder, which need not be there yet, lies below one of these or is one; they are whole paths with the system's delimiter in between. */
export async function liesBelow(folder: string, roots: string): Promise<boolean> {
  const there = await nearest(resolve(folder));
  for (const root of roots.split(delimiter).filter(Boolean)) {
    const top = await realpath(root).catch(orMissing);
    if (top !== undefined && (there === top || there.startsWith(top.endsWith(sep) ? top : top + sep)))
      return true;
  }
  return false;
}

/** Where what is there of a path leads: what is made below that is no link. */
async function nearest(path: string): Promise<string> {
  const found = await realpath(path).catch(orMissing);
  return found ?? (dirname(path) === path ? path : nearest(dirname(path)));
}
