#!/usr/bin/env python3
"""What scikit-learn says of pipelines' own columns (the penguins): tests/fixtures/classic/explanations.json.

Made with scikit-learn 1.9.1, pandas 3.1.1, numpy 2.4.6:
    ATHANOR_DATA=<data> PYTHONPATH=<scikit-learn, pandas> python3 tests/parity/make_explanation_fixtures.py

importance: the score lost when a column of the table is shuffled before the Pipeline, by Athanor's own permutations (so that
the numbers agree to rounding), and permutation_importance's mean over 400 of scikit-learn's own (so that they agree in the
mean). dependence: partial_dependence(method="brute") over a column's values.
"""
import csv
import json
import os
import pathlib

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

assert sklearn.__version__ == "1.9.1", sklearn.__version__
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ["ATHANOR_DATA"]) / "tabular/penguins.csv"
MASK = (1 << 64) - 1
SALT = 0x7065726D
TIMES, SEED = 5, 7


def mix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def random_at(seed, a, b=0, c=0):
    return mix64(mix64(mix64(mix64(seed) ^ a) ^ b) ^ c)


def permute(index, size, key):
    half = ((size - 1).bit_length() + 1) // 2
    mask = (1 << half) - 1
    while True:
        left, right = index >> half, index & mask
        for step in range(4):
            left, right = right, left ^ (random_at(key, step, right) & mask)
        index = left << half | right
        if index < size:
            return index


def rows():
    for row in csv.DictReader(open(DATA)):
        if row["body_mass_g"]:
            yield {"island": row["island"], "sex": row["sex"] or "", "species": row["species"],
                   "bill": float(row["bill_length_mm"]), "flipper": 5.0 * round(float(row["flipper_length_mm"]) / 5),
                   "mass": float(row["body_mass_g"])}


def case(name, frame, numbers, categories, target, model, own, classes):
    table = frame[numbers + categories]
    pipeline = Pipeline([
        ("features", ColumnTransformer([
            ("numbers", Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())]), numbers),
            ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories)])),
        ("model", model)])
    y = frame[target]
    pipeline.fit(table, y)
    whole = pipeline.score(table, y)
    lost = {}
    for place, column in enumerate(numbers + categories):
        losses = []
        for time in range(TIMES):
            key = random_at(SEED, SALT, place, time + 1)
            shuffled = table.copy()
            shuffled[column] = [table[column].iloc[permute(i, len(table), key)] for i in range(len(table))]
            losses.append(whole - pipeline.score(shuffled, y))
        lost[column] = {"mean": float(np.mean(losses)), "spread": float(np.std(losses))}
    peer = permutation_importance(pipeline, table, y, n_repeats=400, random_state=0)
    for place, column in enumerate(numbers + categories):
        lost[column]["peer_mean"] = float(peer.importances_mean[place])
        lost[column]["peer_spread"] = float(peer.importances_std[place])
    curves = {}
    for column in ["flipper", "sex", categories[0]]:
        found = partial_dependence(pipeline, table, [column], kind="average", method="brute", response_method="predict_proba" if classes else "auto",
                                   categorical_features=categories, grid_resolution=1000)
        known = [i for i, value in enumerate(found["grid_values"][0]) if value != ""]
        values = found["grid_values"][0][known]
        curves[column] = {"values": [v if isinstance(v, str) else float(v) for v in values],
                          "mean": found["average"][:, known].T.tolist()}
    return {"name": name, "kind": own[0], "model": own[1], "numbers": numbers, "categories": categories, "target": target,
            "times": TIMES, "seed": SEED, "score": float(whole), "importance": lost, "dependence": curves}


frame = pd.DataFrame(rows())
out = {"made_by": f"tests/parity/make_explanation_fixtures.py, scikit-learn {sklearn.__version__}",
       "table": {column: frame[column].tolist() for column in frame.columns},
       "cases": [
           case("ridge", frame, ["bill", "flipper"], ["island", "sex", "species"], "mass", Ridge(alpha=1.0), ("ridge", {"alpha": 1.0}), False),
           case("logistic", frame, ["flipper", "mass"], ["island", "sex"], "species",
                LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=10000), ("logistic", {"c": 1.0, "tolerance": 1e-11}), True)]}
path = ROOT / "tests/fixtures/classic/explanations.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path.stat().st_size)
for one in out["cases"]:
    print(one["name"], one["score"], one["importance"])
