#!/usr/bin/env python3
"""When the seeds of an experiment reached a return, how they ended, and what differs from the first algorithm of its file.

    scripts/reached.py experiments/preset/scores.csv CartPole-v1 475

Python's standard library alone. Intervals are 95% percentile bootstraps of means over seeds, of 5,000 resamples; differences are taken
seed by seed. A seed that never reached the return counts with the last step.
"""

import csv
import random
import statistics
import sys
from collections import defaultdict


def interval(values: list[float]) -> str:
    draws = random.Random(0)
    means = sorted(statistics.fmean(draws.choices(values, k=len(values))) for _ in range(5000))
    return f"{statistics.fmean(values):,.1f} [{means[125]:,.1f}, {means[4874]:,.1f}]"


def main() -> None:
    path, environment, threshold = sys.argv[1], sys.argv[2], float(sys.argv[3])
    curves = defaultdict(lambda: defaultdict(list))
    with open(path) as file:
        for row in csv.DictReader(file):
            if row["environment"] == environment:
                curves[row["algorithm"]][int(row["seed"])].append((int(row["step"]), float(row["return"])))
    first = None
    for algorithm, seeds in curves.items():
        runs = [sorted(run) for _, run in sorted(seeds.items())]
        reached = [next((step for step, value in run if value >= threshold), None) for run in runs]
        steps = [run[-1][0] if step is None else step for step, run in zip(reached, runs)]
        ends = [run[-1][1] for run in runs]
        print(f"{algorithm}: {sum(step is not None for step in reached)} of {len(runs)} seeds reached {threshold:g}")
        print(f"  steps    {interval(steps)}, median {statistics.median(steps):,.0f}, at most {max(steps):,}")
        print(f"  the end  {interval(ends)}, worst {min(ends):.1f}")
        if first is None:
            first = (algorithm, steps, ends)
        elif len(runs) == len(first[1]):
            for name, own, base in (("steps", steps, first[1]), ("end", ends, first[2])):
                print(f"  {name} minus that of {first[0]}: {interval([a - b for a, b in zip(own, base)])}")


if __name__ == "__main__":
    main()
