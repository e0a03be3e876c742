/** What `GET /health` answers: in front of everything, where it waits for nothing, and as the document tells it. */

export const HEALTHY = { status: "ok" } as const;
