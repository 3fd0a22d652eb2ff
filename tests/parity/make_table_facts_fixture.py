#!/usr/bin/env python3
"""Writes tests/fixtures/clean/table_facts.json: quartiles, bounds of outliers and associations as pandas, SciPy and numpy
give them. Columns are seeded; gaps are null.

    python3 tests/parity/make_table_facts_fixture.py
"""
import json
import os

import numpy as np
import pandas as pd
import scipy
import scipy.stats
from scipy.stats.contingency import association

OUT = os.path.join(os.path.dirname(__file__), "..", "fixtures", "clean", "table_facts.json")
ROWS = 240


def gaps(values, share, rng):
    values = np.asarray(values, dtype=float).copy()
    values[rng.random(len(values)) < share] = np.nan
    return values


def facts(values):
    series = pd.Series(values).dropna()
    q1, q2, q3 = (float(series.quantile(q)) for q in (0.25, 0.5, 0.75))
    mean, deviation = float(series.mean()), float(series.std(ddof=0))
    mad = float(scipy.stats.median_abs_deviation(series, scale="normal"))
    return {
        "quartiles": [q1, q2, q3], "q10": float(series.quantile(0.1)), "mean": mean, "deviation": deviation,
        "iqr": [q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)],
        "zscore": [mean - 3 * deviation, mean + 3 * deviation],
        "mad": [q2 - 3.5 * mad, q2 + 3.5 * mad],
        "zscore_outliers": int((np.abs(scipy.stats.zscore(series)) > 3).sum()),
    }


def cramers_v(a, b):
    both = (a >= 0) & (b >= 0)
    return float(association(pd.crosstab(pd.Series(a[both]), pd.Series(b[both])).to_numpy(), method="cramer"))


def eta(codes, numbers):
    frame = pd.DataFrame({"c": codes, "x": numbers})
    frame = frame[(frame.c >= 0) & frame.x.notna()]
    mean = frame.x.mean()
    between = sum(len(g) * (g.x.mean() - mean) ** 2 for _, g in frame.groupby("c"))
    return float(np.sqrt(between / ((frame.x - mean) ** 2).sum()))


def main():
    rng = np.random.default_rng(7)
    base = rng.normal(size=ROWS)
    numbers = {
        "normal": gaps(base, 0.1, rng),
        "heavy": gaps(np.exp(2 * base + rng.normal(size=ROWS)), 0.05, rng),
        "ties": gaps(np.round(base * 2 + rng.normal(size=ROWS)), 0.2, rng),
        "offset": gaps(1e6 + rng.normal(size=ROWS) * 1e-3 + base * 1e-3, 0.0, rng),
        "against": gaps(-base ** 3 + 0.1 * rng.normal(size=ROWS), 0.0, rng),
    }
    codes = {
        "three": np.where(rng.random(ROWS) < 0.1, -1, np.digitize(base, [-0.5, 0.7])),
        "five": np.where(rng.random(ROWS) < 0.05, -1, np.digitize(base + rng.normal(size=ROWS), [-1, -0.2, 0.4, 1])),
        "random": rng.integers(0, 4, ROWS),
    }
    names = list(numbers)
    frame = pd.DataFrame(numbers)
    out = {
        "versions": {"pandas": pd.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "numbers": {n: [None if np.isnan(x) else float(x) for x in v] for n, v in numbers.items()},
        "codes": {n: [int(x) for x in v] for n, v in codes.items()},
        "facts": {n: facts(v) for n, v in numbers.items()},
        "pearson": [[a, b, float(frame[a].corr(frame[b]))] for i, a in enumerate(names) for b in names[i + 1:]],
        "spearman": [[a, b, float(frame[a].corr(frame[b], method="spearman"))] for i, a in enumerate(names) for b in names[i + 1:]],
        "cramers_v": [[a, b, cramers_v(codes[a], codes[b])] for i, a in enumerate(codes) for b in list(codes)[i + 1:]],
        "eta": [[a, b, eta(codes[a], numbers[b])] for a in codes for b in names],
    }
    with open(OUT, "w", encoding="utf-8") as file:
        json.dump(out, file)
        file.write("\n")


if __name__ == "__main__":
    main()
