/** What this process's own log is told while a test listens: its lines are taken off the output, for they are meant for nobody else. */
import { vi } from "vitest";
import { written } from "../io/telemetry/written.ts";

/** Listens from now on; `stop` gives the lines with that message, as they were written. */
export function listen(): { stop(message: string): Promise<string[]> } {
  const output = vi.spyOn(process.stdout, "write").mockImplementation(() => true);
  return {
    stop: async (message) => {
      await written();
      const lines = output.mock.calls.map(([line]) => String(line).replace(/\n$/, ""));
      output.mockRestore();
      return lines.filter((line) => line.includes(`"message":${JSON.stringify(message)}`));
    },
  };
}
