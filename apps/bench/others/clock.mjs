// Time of the clock and of the processors, as usage.c has them.

/** CLOCK_MONOTONIC in microseconds: the same clock in both processes. */
export function nowUs() {
  return Number(process.hrtime.bigint() / 1000n);
}

/** User and system time of all threads of this process. */
export function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
