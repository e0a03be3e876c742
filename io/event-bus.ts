/** An EventBridge bus: what the product tells the world. */
import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { canonicalJson, type Json } from "../core/canonical-json.ts";
import { RehearsalError } from "../core/errors.ts";
import { awsFailure } from "./aws-failure.ts";
import { followed } from "./telemetry/trace.ts";

interface OutgoingEvent {
  source: string;
  detailType: string;
  detail: Json;
  /** ARNs the event is about. */
  resources?: string[];
}

export interface EventBus {
  /** Puts all of them; `EventsRefused` when the bus refused any, and then the others may be on it already: at least once. */
  putEvents(bus: string, events: readonly OutgoingEvent[]): Promise<void>;
}

/** EventBridge's limit on one request. */
const AT_ONCE = 10;

/** Region, credentials and endpoint come from the environment unless given; the SDK is loaded on the first call. */
export function openEventBus(options: { endpoint?: string } = {}): EventBus {
  let loaded:
    | Promise<{ sdk: typeof import("@aws-sdk/client-eventbridge"); client: EventBridgeClient }>
    | undefined;
  const load = () => {
    loaded ??= import("@aws-sdk/client-eventbridge").then((sdk) => ({
      sdk,
      client: followed(new sdk.EventBridgeClient(options)),
    }));
    return loaded;
  };
  return {
    putEvents: async (bus, events) => {
      const { sdk, client } = await load();
      const reasons: string[] = [];
      for (let from = 0; from < events.length; from += AT_ONCE) {
        const command = new sdk.PutEventsCommand({
          Entries: events.slice(from, from + AT_ONCE).map((event) => ({
            EventBusName: bus,
            Source: event.source,
            DetailType: event.detailType,
            Detail: canonicalJson(event.detail),
            Resources: event.resources ?? [],
          })),
        });
        const answer = await client.send(command).catch((error: unknown) => {
          throw awsFailure("EventBridge", "PutEvents", error);
        });
        // PutEvents answers 200 even when it took none of them.
        for (const entry of answer.Entries ?? [])
          if (entry.ErrorCode !== undefined) reasons.push(`${entry.ErrorCode}: ${entry.ErrorMessage ?? ""}`);
      }
      if (reasons.length > 0)
        throw new RehearsalError("EventsRefused", {
          bus,
          refused: reasons.length,
          sent: events.length,
          reasons: [...new Set(reasons)].join("; "),
        });
    },
  };
}
