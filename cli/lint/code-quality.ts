/** Findings as a code quality report, which GitLab shows beside the lines of a merge request: https://docs.gitlab.com/ci/testing/code_quality/ */
import { sha256 } from "../../core/digest.ts";
import type { Finding } from "../../core/lint/lint.ts";

/** One entry per finding that nothing allows. */
export function codeQuality(findings: readonly Finding[]) {
  return findings
    .filter(({ suppressed }) => suppressed === undefined)
    .map(({ rule, severity, path, line, message, hint }) => ({
      description: `${message}; ${hint}`,
      check_name: rule,
      // What tells one from another must outlive the lines above it.
      fingerprint: sha256([rule, path, message].join("\n")),
      severity: severity === "error" ? "critical" : "minor",
      location: { path, lines: { begin: line } },
    }));
}
