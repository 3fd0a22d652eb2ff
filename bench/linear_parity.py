"""Linear models and PCA on every set of data/tabular: do the answers on held-out rows (every fifth) agree with scikit-learn's to
1e-6, and how long does a fit take? Both sides run to tight tolerances; the difference is the largest of any answer, as a share
of the largest answer. Numbers get the median for gaps and z-scores, categories of at most 30 values one-hot without the first.

  ATHANOR_DATA=<data> PYTHONPATH=<scikit-learn> python3 bench/linear_parity.py build/classic_tests [--only adult] [--clock cpu --threads 1]
"""
import argparse
import csv
import gzip
import io
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import warnings

warnings.simplefilter("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--only", default="")
parser.add_argument("--repeat", type=int, default=3)
parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
parser.add_argument("--threads", type=int, default=0)
args = parser.parse_args()
if args.threads:
    os.environ.update({f"{who}_NUM_THREADS": str(args.threads) for who in ("OMP", "OPENBLAS", "MKL")})
import numpy as np  # noqa: E402
import scipy.sparse  # noqa: E402
from sklearn import decomposition, linear_model  # noqa: E402
from sklearn.datasets import load_svmlight_file  # noqa: E402

data = pathlib.Path(os.environ["ATHANOR_DATA"]) / "tabular"
now = time.process_time if args.clock == "cpu" else time.perf_counter
CSV = [  # file, lines before the rows, place of the target, columns that are not read
    ("adult.train.csv.zst", 0, 14, ()), ("auto_imports.csv", 0, 25, ()), ("beijing_pm25.csv.zst", 1, 5, (0,)),
    ("bike_sharing_hour.csv.zst", 1, 16, (0, 1, 14, 15)), ("california_housing.csv.zst", 1, 8, ()), ("horse-colic.csv", 0, 22, (2,)),
    ("mammography.csv", 0, 6, ()), ("penguins.csv", 1, 0, ()), ("pima-indians-diabetes.csv", 0, 8, ()),
    ("titanic.csv", 1, 1, (0, 3)), ("weather_stream.csv", 1, 8, ()), ("winequality-white.csv", 0, 11, ()),
    ("sklearn/breast_cancer.csv", 1, 30, ()), ("sklearn/iris.csv", 1, 4, ()), ("sklearn/wine_data.csv", 1, 13, ()),
    ("sklearn/digits.csv.gz", 0, 64, ())]
SPARSE = ["agaricus.train.libsvm", "heart_scale.libsvm", "lambdarank/rank.train.zst"]


def text_of(name):
    if name.endswith(".zst"):
        return subprocess.run(["zstd", "-dc", data / name], check=True, capture_output=True).stdout.decode()
    return gzip.open(data / name, "rt").read() if name.endswith(".gz") else (data / name).read_text()


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return None


def columns_of(table, skip):
    out = []
    for j in range(len(table[0])):
        cells = [row[j].strip() for row in table] if j not in skip else []
        known = [cell for cell in cells if cell not in ("", "?", "NA")]
        if not known:
            continue
        if all(number(cell) is not None for cell in known):
            middle = statistics.median(float(cell) for cell in known)
            values = np.array([float(cell) if cell not in ("", "?", "NA") else middle for cell in cells])
            if values.std() > 0:
                out.append((values - values.mean()) / values.std())
        elif len(set(known)) <= 30:
            out += [np.array([float(cell == kind) for cell in cells]) for kind in sorted(set(known))[1:]]
    return np.stack(out, 1)


def sets():
    for name, head, target, skip in CSV:
        table = [row for row in csv.reader(io.StringIO(text_of(name))) if row][head:]
        table = [row for row in table if row[target].strip() not in ("", "?", "NA")]
        cells = [row[target].strip() for row in table]
        x = columns_of(table, {target, *skip})
        if all(number(cell) is not None for cell in cells):
            yield name, x, np.array([float(cell) for cell in cells])
        else:
            kinds = sorted(set(cells))
            yield name, x, np.array([float(kinds.index(cell)) for cell in cells])
    read = [[float(v) for v in line.split()] for line in text_of("sklearn/diabetes_data_raw.csv.gz").splitlines()]
    x = np.array(read)
    yield "sklearn/diabetes", (x - x.mean(0)) / x.std(0), np.array([float(v) for v in text_of("sklearn/diabetes_target.csv.gz").split()])
    sides = [np.array([[float(v) for v in line.split()] for line in text_of(f"sklearn/linnerud_{part}.csv").splitlines()[1:]])
             for part in ("exercise", "physiological")]
    yield "sklearn/linnerud", sides[0], sides[1][:, 0]
    for name in SPARSE:
        x, y = load_svmlight_file(io.BytesIO(text_of(name).encode()))
        yield name, x, (y > 0).astype(float) if name.startswith("heart") else y


def write(path, x, y, classes):
    sparse = scipy.sparse.issparse(x)
    with open(path, "wb") as file:
        np.array([sparse, *x.shape, x.nnz if sparse else x.size, classes], dtype=np.uint64).tofile(file)
        if sparse:
            x.sort_indices()
            x.indptr.astype(np.uint64).tofile(file)
            x.indices.astype(np.uint32).tofile(file)
            x.data.astype(np.float64).tofile(file)
        else:
            np.ascontiguousarray(x, dtype=np.float64).tofile(file)
        np.asarray(y, dtype=np.float64).tofile(file)


def models():
    tight = {"max_iterations": 1000, "tolerance": 1e-15}
    yield "linear", {}, "regression", linear_model.LinearRegression(tol=1e-14)
    yield "ridge", {"alpha": 1.0}, "regression", linear_model.Ridge(alpha=1.0, tol=1e-12)
    yield "lasso", {"alpha": 0.01, **tight}, "regression", linear_model.Lasso(alpha=0.01, tol=1e-15, max_iter=3000)
    yield "elastic_net", {"alpha": 0.01, "l1": 0.5, **tight}, "regression", \
        linear_model.ElasticNet(alpha=0.01, l1_ratio=0.5, tol=1e-15, max_iter=3000)
    yield "logistic", {"tolerance": 1e-12}, "classes", \
        linear_model.LogisticRegression(solver="newton-cholesky", tol=1e-12, max_iter=1000)
    yield "pca", {"components": 3}, "regression", decomposition.PCA(3, svd_solver="full")


def difference(own, other, kind):
    if kind == "pca":
        own = own * np.sign((own * other).sum(0))
    return np.abs(own - other).max() / np.abs(other).max()


def main():
    print("| set | rows x columns | model | largest difference | fit, seconds | scikit-learn |\n|---|---|---|---|---|---|")
    out_of_reach = []
    for name, x, y in sets():
        if args.only and args.only not in name:
            continue
        test = np.arange(len(y)) % 5 == 0
        if len(np.unique(y)) > 10:
            labels = (y > np.median(y)).astype(float)
        else:
            labels = np.unique(y, return_inverse=True)[1].astype(float)
        values = (y - y.mean()) / y.std()
        with tempfile.TemporaryDirectory() as folder:
            for kind, options, task, peer in models():
                if kind == "pca" and (scipy.sparse.issparse(x) or x.shape[1] < 3):
                    continue
                target = labels if task == "classes" else values
                classes = int(labels.max()) + 1 if task == "classes" else 0
                for part, rows in (("train", ~test), ("test", test)):
                    write(f"{folder}/{part}", x[rows], target[rows], classes)
                own, other = [], []
                for _ in range(args.repeat):
                    given = {"train": f"{folder}/train", "test": f"{folder}/test", "kind": kind, "options": options, "task": task,
                             "answers": f"{folder}/answers", "clock": args.clock, "threads": args.threads}
                    ran = subprocess.run([args.binary, "--gtest_filter=LinearBench.*"], check=True, capture_output=True, text=True,
                                         env={**os.environ, "ATHANOR_LINEAR_BENCH": json.dumps(given)})
                    own.append(json.loads(next(line for line in ran.stdout.splitlines() if line.startswith("{")))["fit"])
                    # scikit-learn solves sparse least squares by LSQR, which gives up early where columns depend on each other.
                    known = x[~test].toarray() if kind == "linear" and scipy.sparse.issparse(x) else x[~test]
                    begin = now()
                    peer.fit(known, target[~test])
                    other.append(now() - begin)
                answers = np.fromfile(f"{folder}/answers")
                truth = peer.transform(x[test]) if kind == "pca" else peer.predict_proba(x[test]) if task == "classes" \
                    else peer.predict(x[test])
                apart = difference(answers.reshape(truth.shape), truth, kind)
                mark = "" if apart <= 1e-6 else " (!)"
                if mark:
                    out_of_reach.append(f"{name} {kind} {apart:.1e}")
                print(f"| {name} | {x.shape[0]} x {x.shape[1]} | {kind} | {apart:.1e}{mark} | {statistics.median(own):.4f} | "
                      f"{statistics.median(other):.4f} |", flush=True)
    print(f"\nabove 1e-6: {', '.join(out_of_reach) or 'none'}")


main()
