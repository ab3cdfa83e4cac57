const TRIALS = 3;

/**
 * How much longer `large` takes than `small`, both of which run several times in turns: the least of each is what the
 * machine's other work left alone. What is linear grows as its input, what is quadratic as the square of that.
 */
export function growth(small: () => unknown, large: () => unknown): number {
  small();
  let [least, leastOfLarge] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let trial = 0; trial < TRIALS; trial++) {
    least = Math.min(least, duration(small));
    leastOfLarge = Math.min(leastOfLarge, duration(large));
  }
  return leastOfLarge / least;
}

function duration(run: () => unknown): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return user + system;
}
