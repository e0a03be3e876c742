/** The paths that a place takes: relative, of plain segments, so that none leads out of it. */
import { RehearsalError } from "../../core/errors.ts";

/** Throws `StorePathUnsafe`. */
export function checkPath(path: string): void {
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    throw unsafe(path, "it is not a plain relative path");
  if (/[\p{Cc}\\]/u.test(path)) throw unsafe(path, "it has characters that no path of a store has");
}

export function unsafe(path: string, reason: string): RehearsalError {
  return new RehearsalError("StorePathUnsafe", { path, reason });
}
