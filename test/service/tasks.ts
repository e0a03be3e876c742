/** Tasks of a service under test: asked for over HTTP, and waited for. */
import { setTimeout as pause } from "node:timers/promises";
import type { Service } from "./service.ts";

export interface Task {
  id: string;
  kind: string;
  backup: string | null;
  status: string;
  attempt: number;
  outcome: Record<string, unknown> | null;
  error: { code: string; message: string; hint: string } | null;
  progress: { done: { bytes: number; rows: number }; total?: { bytes: number; rows: number } } | null;
}

/** Waits until it has ended, one way or the other. */
export async function taskEnd(service: Service, id: string): Promise<Task> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const task = await service.must<Task>("GET", `/tasks/${id}`);
    if (task.status === "succeeded" || task.status === "failed") return task;
    if (Date.now() > deadline) throw new Error(`${id} does not end: ${JSON.stringify(task)}`);
    // Each look is a request, and takes from the task that is looked at.
    await pause(100);
  }
}

/** Starts a task and waits for its end; throws when the request is refused. */
export async function runTask(service: Service, path: string, body: object = {}): Promise<Task> {
  const { id } = await service.must<Task>("POST", path, body);
  return taskEnd(service, id);
}

/** The same, and throws when it fails. */
export async function succeed(service: Service, path: string, body: object = {}): Promise<Task> {
  const task = await runTask(service, path, body);
  if (task.status !== "succeeded") throw new Error(`${path}: ${JSON.stringify(task.error)}`);
  return task;
}

/** Backs an environment up; the backup's id. */
export async function backedUp(service: Service, environment: string, body: object = {}): Promise<string> {
  const { backup } = await succeed(service, `/environments/${environment}/backups`, body);
  return backup ?? "";
}
