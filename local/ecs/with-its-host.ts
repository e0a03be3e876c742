/** Loaded into each container's process before its own code: when the host that started it is gone, nobody would end it. */

process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// Listening must not keep a process alive that has done its work.
process.channel?.unref();
