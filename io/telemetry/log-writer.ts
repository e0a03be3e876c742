/** How a line of the log is made: by Powertools' logger, with our names and without anybody's secrets. */
import { LogFormatter, Logger, LogItem } from "@aws-lambda-powertools/logger";
import { harmlessJson, withoutSecrets } from "../../core/log-line.ts";
import { SERVICE, stage } from "./stage.ts";

interface Line {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  at: Date;
  facts: object;
}

export type Writer = (line: Line) => void;

/**
 * Opens the log. POWERTOOLS_LOG_LEVEL tells what is left out; with REHEARSAL_LOG=text a line is for a person at a
 * terminal: the time, the level, the message, and the facts as JSON.
 */
export function openWriter(): Writer {
  const logger = new LineLogger({
    serviceName: SERVICE,
    logFormatter: new LineFormatter(),
    jsonReplacerFn: withoutSecrets,
  });
  return ({ level, message, at, facts }) => logger[level](message, { at, ...facts });
}

type Formatted = Parameters<LogFormatter["formatAttributes"]>;

class LineFormatter extends LogFormatter {
  formatAttributes(
    { logLevel, message, xRayTraceId }: Formatted[0],
    { at, ...facts }: Formatted[1],
  ): LogItem {
    return new LogItem({
      attributes: {
        level: logLevel,
        message,
        // When it was told, and not when its writer had been loaded.
        timestamp: at instanceof Date ? at.toISOString() : undefined,
        service: SERVICE,
        stage: stage(),
        function: process.env.AWS_LAMBDA_FUNCTION_NAME,
        traceId: xRayTraceId,
        ...facts,
      },
    });
  }
}

class LineLogger extends Logger {
  protected override printLog(_level: number, item: LogItem): void {
    item.prepareForPrint();
    const attributes = item.getAttributes();
    const json = (told: unknown) => harmlessJson(JSON.stringify(told, this.getJsonReplacer()));
    process.stdout.write(
      `${process.env.REHEARSAL_LOG === "text" ? asText(attributes, json) : json(attributes)}\n`,
    );
  }
}

function asText(attributes: Record<string, unknown>, json: (told: unknown) => string): string {
  const {
    level,
    message,
    timestamp,
    service,
    stage,
    function: name,
    requestId,
    coldStart,
    ...facts
  } = attributes;
  return [timestamp, level, name, message, json(facts)].join(" ");
}
