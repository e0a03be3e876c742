/** docs/openapi.json: the API as an OpenAPI 3.1 document, as the service hands it out itself. */
import { app } from "../functions/api/app.ts";
import { apiDocument } from "../functions/api/document.ts";

export function openApiDocument(): string {
  return `${JSON.stringify(apiDocument(app), null, 2)}\n`;
}
