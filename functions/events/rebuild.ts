/**
 * Rebuild: invoked by an operator, never by the service. Proves the ledger's copy in the bucket, says what is in it, or makes of it
 * the ledger of an empty control database.
 */
import { invoked } from "../../io/telemetry/invocation.ts";
import { answerLedgerRequest } from "../ledger-request.ts";

export const handler = invoked((event: unknown) => answerLedgerRequest(event));
