/** The function's own log: one line of JSON for each thing told, with the invocation it belongs to. */
import { whatItIsAbout } from "./about.ts";
import type { Writer } from "./log-writer.ts";
import { writing } from "./written.ts";

/** How much somebody should mind. `warn` is a refusal or a failure that is dealt with, `error` what nobody foresaw. */
type Level = "debug" | "info" | "warn" | "error";

/** Tells of something in a few words, with its facts; of an error under `error`. */
export type Tell = (message: string, facts?: object) => void;

/** The writer is loaded with the first line, and lines wait for it in their order. */
export const log: Record<Level, Tell> = {
  debug: tell("debug"),
  info: tell("info"),
  warn: tell("warn"),
  error: tell("error"),
};

let writer: Writer | undefined;
let loading: Promise<Writer> | undefined;

function tell(level: Level): Tell {
  return (message, facts = {}) => {
    // Looked at now: by the time it is written the invocation may be about something else.
    const line = { level, message, at: new Date(), facts: { ...whatItIsAbout(), ...facts } };
    if (writer !== undefined) return writer(line);
    loading ??= import("./log-writer.ts").then(({ openWriter }) => openWriter());
    void writing(
      loading.then((loaded) => {
        writer = loaded;
        loaded(line);
      }),
    );
  };
}
