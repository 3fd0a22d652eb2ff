"""Boosting, forests and isolation forests against XGBoost (hist), LightGBM and scikit-learn: the same folds of the same
features, all with as many threads, interleaved in one run; score (mean over folds, spread over seeds) and seconds to fit
(median over folds and seeds), as a multiple of XGBoost's (forests: scikit-learn's). Last, how long a stored model of 500 trees
takes to open.

  ATHANOR_DATA=<data> PYTHONPATH=<numpy, scikit-learn, xgboost, lightgbm> python3 bench/trees.py build/classic_tests
      [--seeds 3] [--only adult] [--kinds boosting,forest] [--threads 2] [--clock cpu]

Boosting: 100 rounds, learning rate 0.1, at most 31 leaves (XGBoost: depth 6, its usual; and 31 leaves by loss). Forests: 100
trees, the libraries' defaults. Categories are coded by their order; missing values stay (scikit-learn's forests get them,
too).
"""
import argparse
import csv
import io
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--only", default="")
parser.add_argument("--kinds", default="boosting,forest,extra_trees", help="opening: only how long stored models take to open")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: seconds of the processor, honest with --threads 1 on a busy machine")
parser.add_argument("--folds", type=int, default=5)
args = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(args.threads)

now = time.process_time if args.clock == "cpu" else time.perf_counter

import lightgbm  # noqa: E402
import xgboost  # noqa: E402
from sklearn import ensemble  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402
from sklearn.model_selection import KFold, StratifiedKFold  # noqa: E402

data = pathlib.Path(os.environ["ATHANOR_DATA"]) / "tabular"


def rows(name, header=False):
    text = subprocess.run(["zstd", "-dc", data / name], check=True, capture_output=True).stdout.decode() \
        if name.endswith(".zst") else (data / name).read_text()
    return [row for row in csv.reader(io.StringIO(text)) if row][1 if header else 0:]


def numbers(table, columns):
    x = np.full((len(table), len(columns)), np.nan)
    for j, c in enumerate(columns):
        cells = [row[c].strip() for row in table]
        known = [i for i, cell in enumerate(cells) if cell not in ("", "?", "NA")]
        try:
            for i in known:
                x[i, j] = float(cells[i])
        except ValueError:
            codes = {cell: k for k, cell in enumerate(sorted({cells[i] for i in known}))}
            for i in known:
                x[i, j] = codes[cells[i]]
    return x


def sets():
    table = rows("adult.train.csv.zst")
    yield "adult", numbers(table, range(14)), np.array([float(">50K" in row[14]) for row in table]), 2, [1, 3, 5, 6, 7, 8, 9, 13]
    table = rows("california_housing.csv.zst", header=True)
    yield "california", numbers(table, [0, 1, 2, 3, 4, 5, 6, 7, 9]), np.array([float(row[8]) for row in table]), 0, [8]
    table = rows("winequality-white.csv")
    yield "wine", numbers(table, range(11)), np.array([float(row[11]) for row in table]), 0, []
    table = rows("mammography.csv")
    yield "mammography", numbers(table, range(6)), np.array([float("-1" not in row[6]) for row in table]), 2, []


def write(path, x, y):
    with open(path, "wb") as file:
        file.write(np.array(x.shape, dtype="<u8").tobytes())
        file.write(np.ascontiguousarray(x, dtype="<f8").tobytes())
        file.write(np.asarray(y, dtype="<f8").tobytes())


def run_ours(folder, spec):
    out = subprocess.run([args.binary, "--gtest_filter=TreesBench.FitAndPredict"], check=True, capture_output=True, text=True,
                         env={**os.environ, "ATHANOR_TREES_DIR": str(folder), "ATHANOR_TREES": json.dumps(spec)}).stdout
    return json.loads(next(line for line in out.splitlines() if line.startswith("{")))


def ours(folder, kind, options, classes, seed):
    spec = {"kind": kind, "options": options, "classes": classes, "seed": seed, "threads": args.threads, "clock": args.clock}
    found = run_ours(folder, spec)
    predicted = np.fromfile(folder / "predicted.bin")
    return found["fit"], predicted.reshape(-1, classes)[:, -1] if classes else predicted


def peer(model, x, y, test, classes):
    model, how = model if isinstance(model, tuple) else (model, {})
    begin = now()
    model.fit(x, y, **how)
    seconds = now() - begin
    return seconds, model.predict_proba(test)[:, 1] if classes else model.predict(test)


def models(kind, classes, seed, categories):
    n = args.threads
    if kind == "boosting":
        # Without sampling a seed changes nothing; each seed draws 90 % of the rows a round, so that spreads mean something.
        yield "Athanor", ("boosting", {"rows": 0.9})
        if categories:
            yield "Athanor, sets of categories", ("boosting", {"rows": 0.9, "categories": [str(c) for c in categories]})
            yield "LightGBM, sets of categories", ((lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor)(
                verbose=-1, subsample=0.9, subsample_freq=1, n_estimators=100, learning_rate=0.1, n_jobs=n, random_state=seed),
                {"categorical_feature": categories})
        kwargs = dict(n_estimators=100, learning_rate=0.1, n_jobs=n, random_state=seed)
        x = xgboost.XGBClassifier if classes else xgboost.XGBRegressor
        yield "XGBoost, depth 6", x(tree_method="hist", max_depth=6, subsample=0.9, **kwargs)
        yield "XGBoost, 31 leaves", x(tree_method="hist", max_depth=0, max_leaves=31, grow_policy="lossguide", subsample=0.9, **kwargs)
        yield "LightGBM", (lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor)(
            verbose=-1, subsample=0.9, subsample_freq=1, **kwargs)
        yield "scikit-learn", (ensemble.HistGradientBoostingClassifier if classes else ensemble.HistGradientBoostingRegressor)(
            early_stopping=False, random_state=seed)
    else:
        yield "Athanor", (kind, {})
        name = {"forest": "RandomForest", "extra_trees": "ExtraTrees"}[kind] + ("Classifier" if classes else "Regressor")
        yield "scikit-learn", getattr(ensemble, name)(n_jobs=n, random_state=seed)


def main():
    print("| model | data | who | score (spread over seeds) | seconds a fit | of the peer's |\n|---|---|---|---|---|---|")
    peers = {True: "XGBoost, depth 6", False: "scikit-learn"}
    for name, x, y, classes, categories in sets():
        if args.only and name not in args.only.split(","):
            continue
        for kind in args.kinds.split(","):
            seconds, scores = {}, {}
            splitter = (StratifiedKFold if classes else KFold)(args.folds, shuffle=True, random_state=0)
            with tempfile.TemporaryDirectory() as temp:
                folder = pathlib.Path(temp)
                for train, test in splitter.split(x, y):
                    write(folder / "train.bin", x[train], y[train])
                    write(folder / "test.bin", x[test], y[test])
                    for seed in range(args.seeds):
                        for who, model in models(kind, classes, seed, categories):
                            took, said = ours(folder, *model, classes, seed) if who.startswith("Athanor") else \
                                peer(model, x[train], y[train], x[test], classes)
                            score = roc_auc_score(y[test], said) if classes else float(np.sqrt(np.mean((said - y[test]) ** 2)))
                            seconds.setdefault(who, []).append(took)
                            scores.setdefault(who, {}).setdefault(seed, []).append(score)
            peer_seconds = statistics.median(seconds[peers[kind == "boosting"]])
            for who, by_seed in scores.items():
                means = [statistics.mean(values) for values in by_seed.values()]
                form = "AUC {:.4f} ({:.4f} to {:.4f})" if classes else \
                    "RMSE {:,.0f} ({:,.0f} to {:,.0f})" if np.mean(means) > 100 else "RMSE {:.4f} ({:.4f} to {:.4f})"
                print(f"| {kind} | {name} | {who} | {form.format(statistics.mean(means), min(means), max(means))} | "
                      f"{statistics.median(seconds[who]):.3f} ({min(seconds[who]):.3f} to {max(seconds[who]):.3f}) | "
                      f"{statistics.median(seconds[who]) / peer_seconds:.2f} |", flush=True)


def opening():
    """A process that has just begun opens the stored model and answers one row: median, least and most of seven."""
    name, x, y, classes, _ = next(sets())
    with tempfile.TemporaryDirectory() as temp:
        folder = pathlib.Path(temp)
        write(folder / "train.bin", x, y)
        write(folder / "test.bin", x[:10], y[:10])
        for kind, options in (("boosting", {"rounds": 500}), ("forest", {"trees": 500}), ("extra_trees", {"trees": 500})):
            spec = {"kind": kind, "options": options, "classes": classes, "threads": args.threads}
            size = run_ours(folder, {**spec, "store": True})["bytes"]
            expected = np.fromfile(folder / "predicted.bin")[:classes]
            runs = [run_ours(folder, {**spec, "stored": True}) for _ in range(7)]
            assert all(run["said"] == list(expected) for run in runs), (runs[0], expected)
            show = [" ".join(f"{1000 * pick([run[key] for run in runs]):.1f}" for pick in (statistics.median, min, max))
                    for key in ("open", "predict")]
            print(f"\n{kind}, 500 trees on {name}, {size / 1e6:.1f} MB: opens in {show[0]} ms (median, least, most of 7 processes), "
                  f"its first row takes {show[1]} ms")


if args.kinds != "opening":
    main()
opening()
