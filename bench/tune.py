#!/usr/bin/env python3
"""Samplers against Optuna and the cma package: best values over seeds, and the time of suggestions.

    PYTHONPATH=PEERS tune.py TUNE_SEARCH [SEEDS [TRIALS]]

The same functions and ranges in one run, seed by seed in turn. Prints the mean of log10(best), the standard error of the
paired difference, and medians of the CPU seconds a study. (cmake --build build --target tune_search)
"""
import math
import statistics
import subprocess
import sys
import time
import warnings

warnings.filterwarnings("ignore")
PI = math.pi
PROBLEMS = {
    "sphere": (lambda x: sum(v * v for v in x), -4, 6),
    "rosenbrock": (lambda x: sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1)), -2, 2),
    "rastrigin": (lambda x: sum(v * v - 10 * math.cos(2 * PI * v) + 10 for v in x), -4, 5.12),
    "ackley": (lambda x: -20 * math.exp(-0.2 * math.sqrt(sum(v * v for v in x) / len(x)))
               - math.exp(sum(math.cos(2 * PI * v) for v in x) / len(x)) + 20 + math.e, -25, 32),
    "styblinski": (lambda x: sum(0.5 * (v**4 - 16 * v * v + 5 * v) + 39.16616570377142 for v in x), -5, 5),
}


def ours(program, sampler, problem, trials, seed):
    out = subprocess.run([program, sampler, problem, str(trials), str(seed)], stdout=subprocess.PIPE, check=True, text=True).stdout
    best, seconds, late = map(float, out.split())
    return best, seconds, late


def optuna_study(sampler, problem, trials, seed):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    loss, low, high = PROBLEMS[problem]
    make = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}[sampler]
    study = optuna.create_study(sampler=make(seed=seed))
    begin = time.process_time()
    study.optimize(lambda t: loss([t.suggest_float(f"x{i}", low, high) for i in range(5)]), n_trials=trials)
    return study.best_value, time.process_time() - begin


def cma_study(problem, trials, seed):
    import cma
    loss, low, high = PROBLEMS[problem]
    begin = time.process_time()
    es = cma.CMAEvolutionStrategy([0.5] * 5, 1 / 6, {"bounds": [0, 1], "seed": seed + 1, "verbose": -9, "maxfevals": trials})
    best, used = math.inf, 0
    while used < trials:
        points = es.ask()[: trials - used]
        values = [loss([low + v * (high - low) for v in p]) for p in points]
        best, used = min([best, *values]), used + len(points)
        if len(points) == es.popsize:
            es.tell(points, values)
        if es.stop() and used < trials:
            es = cma.CMAEvolutionStrategy([0.5] * 5, 1 / 6, {"bounds": [0, 1], "seed": seed + 1000 + used, "verbose": -9})
    return best, time.process_time() - begin


def compare(program, sampler, peer, trials, seeds):
    for problem in PROBLEMS:
        rows = []
        for seed in range(seeds):
            mine = ours(program, sampler, problem, trials, seed)
            other = peer(problem, trials, seed)
            rows.append((math.log10(mine[0] + 1e-12), math.log10(other[0] + 1e-12), mine[1], other[1]))
        differences = [a - b for a, b, _, _ in rows]
        error = statistics.stdev(differences) / math.sqrt(seeds)
        print(f"{sampler:4} {problem:11} {trials:5} trials: ours {statistics.mean(r[0] for r in rows):7.3f}  peer "
              f"{statistics.mean(r[1] for r in rows):7.3f}  difference {statistics.mean(differences):+.3f} +- {error:.3f}  seconds "
              f"{statistics.median(r[2] for r in rows):.3f} / {statistics.median(r[3] for r in rows):.3f}", flush=True)


def main():
    program = sys.argv[1]
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    trials = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    times = [ours(program, "tpe", "sphere", 1000, seed)[1] for seed in range(5)]
    late = [ours(program, "tpe", "sphere", 10100, seed)[2] for seed in range(5)]
    print(f"tpe 1,000 trials: {statistics.median(times):.3f} s ({min(times):.3f} to {max(times):.3f}); a trial after 10,000: "
          f"{1000 * statistics.median(late):.3f} ms", flush=True)
    peer = [optuna_study("tpe", "sphere", 1000, seed)[1] for seed in range(2)]
    print(f"Optuna tpe 1,000 trials: {statistics.median(peer):.2f} s", flush=True)
    compare(program, "tpe", lambda *a: optuna_study("tpe", *a), trials, seeds)
    compare(program, "cma", cma_study, 1000, seeds)
    try:
        import torch  # noqa: F401  Optuna's GP needs it
        compare(program, "gp", lambda *a: optuna_study("gp", *a), 50, max(3, seeds // 4))
    except ImportError:
        print("gp: no torch, Optuna's sampler left out")


if __name__ == "__main__":
    main()
