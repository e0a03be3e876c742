/** Findings as GitHub's workflow commands, which become annotations beside the lines of a pull request. */
import type { Finding } from "../../core/lint/lint.ts";
import { whyAllowed } from "../../core/lint/planned.ts";

/** One command per finding; the allowed ones are notices. */
export function githubText(findings: readonly Finding[]): string {
  return findings
    .map(({ path, line, severity, rule, message, hint, suppressed }) => {
      const level = suppressed === undefined ? severity : "notice";
      const text =
        suppressed === undefined ? `${message}\n${hint}` : `${message}\nallowed: ${whyAllowed(suppressed)}`;
      return `::${level} file=${property(path)},line=${line},title=${property(rule)}::${data(text)}`;
    })
    .join("\n");
}

/** What a runner would take for the end of a command. */
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** Within the properties a colon and a comma end one as well. */
function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
