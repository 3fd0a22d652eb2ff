#!/usr/bin/env python3
"""Samplers against Optuna and the cma package: best values over seeds, a rank test, and the time of suggestions.

    PYTHONPATH=PEERS tune.py TUNE_SEARCH [SEEDS [TRIALS [PART ...]]]        parts: time, tpe, cma, gp; all when none is named

The same functions and ranges in one run, seed by seed in turn (SEEDS 20, TRIALS 200). A row: the median of the best values
(least possible: 0), in how many of all pairs of our seeds and the peer's ours is lower (ties count half; 0.5: no difference),
the two-sided p of that (Mann-Whitney), medians of the CPU seconds a study. (cmake --build build --target tune_search)
"""
import math
import resource
import statistics
import subprocess
import sys
import time
import warnings

warnings.filterwarnings("ignore")
PI = math.pi
HARTMANN_SCALES = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
HARTMANN_PLACES = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                   [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]


def branin(x):
    u, v = 15 * x[0] - 5, 15 * x[1]
    return (v - 5.1 / (4 * PI * PI) * u * u + 5 / PI * u - 6) ** 2 + 10 * (1 - 1 / (8 * PI)) * math.cos(u) + 10 - 0.397887357729738


def hartmann6(x):
    return 3.322368011415515 - sum(
        weight * math.exp(-sum(a * (v - 1e-4 * p) ** 2 for a, v, p in zip(scales, x, places)))
        for weight, scales, places in zip((1.0, 1.2, 3.0, 3.2), HARTMANN_SCALES, HARTMANN_PLACES))


PROBLEMS = {
    "sphere": (lambda x: sum(v * v for v in x), -4, 6, 5),
    "rosenbrock": (lambda x: sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1)), -2, 2, 5),
    "rastrigin": (lambda x: sum(v * v - 10 * math.cos(2 * PI * v) + 10 for v in x), -4, 5.12, 5),
    "ackley": (lambda x: -20 * math.exp(-0.2 * math.sqrt(sum(v * v for v in x) / len(x)))
               - math.exp(sum(math.cos(2 * PI * v) for v in x) / len(x)) + 20 + math.e, -25, 32, 5),
    "styblinski": (lambda x: sum(0.5 * (v**4 - 16 * v * v + 5 * v) + 39.16616570377142 for v in x), -5, 5, 5),
    "branin": (branin, 0, 1, 2),
    "hartmann6": (hartmann6, 0, 1, 6),
}


def settings(t):
    """tune_search.cc's: an optimiser with a rate of its own, layers, width, dropout."""
    kind = t.suggest_categorical("kind", ["sgd", "adam", "none"])
    if kind == "sgd":
        loss = 0.1 + 0.1 * (math.log10(t.suggest_float("sgd.rate", 1e-5, 1, log=True)) + 1) ** 2
        loss += (t.suggest_float("sgd.momentum", 0, 0.99) - 0.9) ** 2
    elif kind == "adam":
        loss = 0.1 * (math.log10(t.suggest_float("adam.rate", 1e-5, 1, log=True)) + 3) ** 2
    else:
        loss = 0.5
    loss += 0.02 * abs(t.suggest_int("layers", 1, 12) - 4)
    loss += {16: 0.4, 32: 0.15, 64: 0, 128: 0.2}[t.suggest_categorical("width", [16, 32, 64, 128])]
    return loss + 4 * (t.suggest_float("dropout", 0, 0.5) - 0.2) ** 2


def ours(program, sampler, problem, trials, seed):
    out = subprocess.run([program, sampler, problem, str(trials), str(seed)], stdout=subprocess.PIPE, check=True, text=True).stdout
    best, seconds, late, early_kib, end_kib = map(float, out.split())
    return best, seconds, late, early_kib, end_kib


def objective(problem):
    if problem == "settings":
        return settings
    loss, low, high, dims = PROBLEMS[problem]
    return lambda t: loss([t.suggest_float(f"x{i}", low, high) for i in range(dims)])


def optuna_study(sampler, problem, trials, seed):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    make = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}[sampler]
    study = optuna.create_study(sampler=make(seed=seed))
    begin = time.process_time()
    study.optimize(objective(problem), n_trials=trials)
    return study.best_value, time.process_time() - begin


def cma_study(problem, trials, seed):
    import cma
    loss, low, high, dims = PROBLEMS[problem]
    begin = time.process_time()
    es = cma.CMAEvolutionStrategy([0.5] * dims, 1 / 6, {"bounds": [0, 1], "seed": seed + 1, "verbose": -9, "maxfevals": trials})
    best, used = math.inf, 0
    while used < trials:
        points = es.ask()[: trials - used]
        values = [loss([low + v * (high - low) for v in p]) for p in points]
        best, used = min([best, *values]), used + len(points)
        if len(points) == es.popsize:
            es.tell(points, values)
        if es.stop() and used < trials:
            es = cma.CMAEvolutionStrategy([0.5] * dims, 1 / 6, {"bounds": [0, 1], "seed": seed + 1000 + used, "verbose": -9})
    return best, time.process_time() - begin


def rank_test(a, b):
    """Share of pairs in which a is lower, and the two-sided p of Mann and Whitney's test (normal, ties and continuity corrected)."""
    wins = sum((x < y) + 0.5 * (x == y) for x in a for y in b)
    m, n = len(a), len(b)
    counts = [(a + b).count(v) for v in set(a + b)]
    ties = sum(c**3 - c for c in counts) / ((m + n) * (m + n - 1))
    deviation = math.sqrt(m * n / 12 * (m + n + 1 - ties))
    z = max(0.0, abs(wins - m * n / 2) - 0.5) / deviation if deviation > 0 else 0.0
    return wins / (m * n), math.erfc(z / math.sqrt(2))


def compare(program, sampler, peer, trials, seeds, problems):
    for problem in problems:
        mine, other = [], []
        for seed in range(seeds):
            mine.append(ours(program, sampler, problem, trials, seed))
            other.append(peer(problem, trials, seed))
        # What is below the rounding of the least value itself is equal.
        a, b = [max(m[0], 1e-14) for m in mine], [max(o[0], 1e-14) for o in other]
        wins, p = rank_test(a, b)
        word = "no worse" if wins >= 0.5 or p > 0.05 else "WORSE"
        seconds = statistics.median(m[1] for m in mine), statistics.median(o[1] for o in other)
        print(f"{sampler:4} {problem:10} {trials:5} trials {seeds:3} seeds: best {statistics.median(a):9.3g} / {statistics.median(b):9.3g}"
              f"  lower in {wins:.2f}  p {p:.3f}  {word}  seconds {seconds[0]:.3f} / {seconds[1]:.3f}"
              f" ({seconds[1] / max(seconds[0], 1e-6):.0f} x)", flush=True)


def times(program):
    runs, peers = [], []
    for seed in range(5):
        runs.append(ours(program, "tpe", "sphere", 1000, seed)[1])
        peers.append(optuna_study("tpe", "sphere", 1000, seed)[1])
    ratios = [b / a for a, b in zip(runs, peers)]
    print(f"tpe 1,000 trials: {statistics.median(runs):.3f} s ({min(runs):.3f} to {max(runs):.3f}), Optuna "
          f"{statistics.median(peers):.2f} s ({min(peers):.2f} to {max(peers):.2f}), {statistics.median(ratios):.0f} x "
          f"({min(ratios):.0f} to {max(ratios):.0f})", flush=True)
    for problem in ("sphere", "settings"):
        late = [1000 * ours(program, "tpe", problem, 10100, seed)[2] for seed in range(5)]
        print(f"tpe {problem}: a trial after 10,000: {statistics.median(late):.3f} ms ({min(late):.3f} to {max(late):.3f})", flush=True)
    _, seconds, late, early_kib, end_kib = ours(program, "tpe", "sphere", 100000, 0)
    print(f"tpe sphere, 100,000 trials: {seconds:.1f} s, the last ones {1000 * late:.3f} ms each; peak memory {early_kib / 1024:.1f} MiB "
          f"after 10,000, {end_kib / 1024:.1f} after 100,000: {1024 * (end_kib - early_kib) / 90000:.0f} bytes a trial of history", flush=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    optuna_study("tpe", "sphere", 2000, 0)
    print(f"Optuna: {1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2000:.0f} bytes a trial", flush=True)


def main():
    program = sys.argv[1]
    seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    trials = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    parts = sys.argv[4:] or ["time", "tpe", "cma", "gp"]
    if "time" in parts:
        times(program)
    if "tpe" in parts:
        compare(program, "tpe", lambda *a: optuna_study("tpe", *a), trials, seeds, [*PROBLEMS, "settings"])
    if "cma" in parts:
        compare(program, "cma", cma_study, 5 * trials, seeds, PROBLEMS)
    if "gp" in parts:
        try:
            import torch  # Optuna's GP needs it
            torch.set_num_threads(1)
        except ImportError:
            print("gp: no torch, Optuna's sampler left out")
            return
        compare(program, "gp", lambda *a: optuna_study("gp", *a), min(trials, 50), seeds, [*PROBLEMS, "settings"])


if __name__ == "__main__":
    main()
