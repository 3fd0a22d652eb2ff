"""Linear models, clusters and neighbours: fit and predict against scikit-learn on the same rows, in turn, median of 5.

  ATHANOR_DATA=<data> PYTHONPATH=<scikit-learn> python3 bench/linear_models.py build/classic_tests [--repeat 5] [--only logistic]

Sets: adult one-hot with scaled numbers (dense, every fifth row tests), SST-2 as TF-IDF of words and pairs (sparse), digits and
California housing for clusters and neighbours. Both sides may use all cores; seconds are of the wall, without reading.
"""
import argparse
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
parser.add_argument("--repeat", type=int, default=5)
parser.add_argument("--only", default="")
parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: seconds of the processor; honest with one thread on a busy machine")
parser.add_argument("--threads", type=int, default=0, help="0: all")
args = parser.parse_args()
if args.threads:
    os.environ.update({f"{who}_NUM_THREADS": str(args.threads) for who in ("OMP", "OPENBLAS", "MKL")})
# After the number of threads is set.
import numpy as np  # noqa: E402
import scipy.sparse  # noqa: E402
from sklearn import cluster, linear_model, neighbors, svm  # noqa: E402
from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: E402
from sklearn.preprocessing import OneHotEncoder  # noqa: E402

now = time.process_time if args.clock == "cpu" else time.perf_counter
jobs = args.threads or -1
data = pathlib.Path(os.environ["ATHANOR_DATA"])


def unpacked(path):
    return subprocess.run(["zstd", "-dc", data / path], check=True, capture_output=True).stdout.decode()


def adult():
    rows = [line.split(", ") for line in unpacked("tabular/adult.train.csv.zst").splitlines() if line.count(",") == 14]
    numbers = np.array([[float(row[i]) for i in (0, 2, 4, 10, 11, 12)] for row in rows])
    kinds = OneHotEncoder(sparse_output=False).fit_transform([[row[i] for i in (1, 3, 5, 6, 7, 8, 9, 13)] for row in rows])
    x = np.hstack([(numbers - numbers.mean(0)) / numbers.std(0), kinds])
    y = np.array([float(">50K" in row[14]) for row in rows])
    test = np.arange(len(y)) % 5 == 0
    return x[~test], y[~test], x[test], y[test]


def adult_part():
    x, y, z, truth = adult()
    return np.ascontiguousarray(x[::3]), y[::3], z, truth


def sst2():
    sides = []
    for part in ("train", "dev"):
        lines = (data / f"classify/sst2.{part}.tsv").read_text(encoding="utf-8").splitlines()
        pairs = [line.rsplit("\t", 1) for line in lines if line.rsplit("\t", 1)[-1] in ("0", "1")]
        sides.append(([text for text, _ in pairs], np.array([float(label) for _, label in pairs])))
    words = TfidfVectorizer(ngram_range=(1, 2))
    x = words.fit_transform(sides[0][0])
    z = words.transform(sides[1][0])
    return x, sides[0][1], z, sides[1][1]


def california():
    lines = [line.split(",")[:9] for line in unpacked("tabular/california_housing.csv.zst").splitlines()[1:]]
    x = np.array([[float(v) for v in row] for row in lines if "" not in row])
    x = (x - x.mean(0)) / x.std(0)
    y = (x[:, 8] > 0).astype(float)
    x = np.ascontiguousarray(x[:, :8])
    test = np.arange(len(y)) % 5 == 0
    return x[~test], y[~test], x[test], y[test]


def adult_numbers():
    x, y, z, truth = adult()
    return np.ascontiguousarray(x[:, 1:]), x[:, 0], np.ascontiguousarray(z[:, 1:]), z[:, 0]


def california_prices():
    lines = [line.split(",")[:9] for line in unpacked("tabular/california_housing.csv.zst").splitlines()[1:]]
    x = np.array([[float(v) for v in row] for row in lines if "" not in row])
    x = (x - x.mean(0)) / x.std(0)
    test = np.arange(len(x)) % 5 == 0
    return x[~test, :8], x[~test, 8], x[test, :8], x[test, 8]


def made_up(rows, columns):
    rng = np.random.default_rng(5)
    x = rng.normal(0, 1, (rows + 500, columns))
    y = x @ rng.normal(0, 1, columns) + rng.normal(0, 1, rows + 500)
    return x[500:], y[500:], x[:500], y[:500]


def made_up_wide():
    return made_up(800, 3000)


def made_up_square():
    return made_up(8000, 1000)


def digits():
    import gzip
    table = np.loadtxt(gzip.open(data / "tabular/sklearn/digits.csv.gz"), delimiter=",")
    x, y = np.ascontiguousarray(table[:, :-1]), table[:, -1]
    x, y = np.vstack([x] * 10) + np.random.default_rng(1).normal(0, 0.5, (len(x) * 10, 64)), np.hstack([y] * 10)
    test = np.arange(len(y)) % 5 == 0
    return x[~test], y[~test], x[test], y[test]


def write(path, x, y):
    sparse = scipy.sparse.issparse(x)
    with open(path, "wb") as file:
        stored = x.nnz if sparse else x.size
        np.array([sparse, *x.shape, stored, int(max(0, y.max())) + 1], dtype=np.uint64).tofile(file)
        if sparse:
            x.sort_indices()
            x.indptr.astype(np.uint64).tofile(file)
            x.indices.astype(np.uint32).tofile(file)
            x.data.astype(np.float64).tofile(file)
        else:
            x.astype(np.float64).tofile(file)
        y.astype(np.float64).tofile(file)


L = linear_model.LogisticRegression
R = linear_model.Ridge
TASKS = [  # name, set, kind, options, task, the peer
    ("logistic adult", adult, "logistic", {}, "classes", lambda: L(max_iter=1000)),
    ("logistic SST-2 TF-IDF", sst2, "logistic", {}, "classes", lambda: L(max_iter=1000)),
    ("linear SVM SST-2 TF-IDF", sst2, "linear_svm", {}, "classes", lambda: svm.LinearSVC()),
    ("linear SVM adult", adult, "linear_svm", {}, "classes", lambda: svm.LinearSVC()),
    ("SVM rbf digits", digits, "svm", {}, "classes", lambda: svm.SVC()),
    ("SVM rbf adult, every third row", adult_part, "svm", {}, "classes", lambda: svm.SVC()),
    ("ridge adult one-hot: age", adult_numbers, "ridge", {}, "regression", lambda: R()),
    ("ridge California", california_prices, "ridge", {}, "regression", lambda: R()),
    ("ridge made up", made_up_square, "ridge", {}, "regression", lambda: R()),
    ("ridge made up, wide", made_up_wide, "ridge", {}, "regression", lambda: R()),
    ("logistic SST-2 TF-IDF, lbfgs, tolerance 1e-4", sst2, "logistic", {"solver": "lbfgs", "tolerance": 1e-4}, "classes",
     lambda: L(max_iter=1000)),
    ("k-means California, 100 clusters", california, "kmeans", {"clusters": 100, "starts": 1}, "clusters",
     lambda: cluster.KMeans(100, n_init=1)),
    ("k-means digits, 64 clusters", digits, "kmeans", {"clusters": 64, "starts": 1}, "clusters",
     lambda: cluster.KMeans(64, n_init=1)),
    ("knn digits, 64 columns", digits, "knn", {}, "classes", lambda: neighbors.KNeighborsClassifier(n_jobs=jobs)),
    ("knn California, 8 columns", california, "knn", {}, "classes", lambda: neighbors.KNeighborsClassifier(n_jobs=jobs)),
    ("knn adult, 108 columns", adult, "knn", {}, "classes", lambda: neighbors.KNeighborsClassifier(n_jobs=jobs)),
]


def show(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


with tempfile.TemporaryDirectory() as folder:
    files = {}
    for name, make, kind, options, task, peer in TASKS:
        if args.only and args.only not in name:
            continue
        if make not in files:
            files[make] = make()
            write(f"{folder}/{make.__name__}.train", *files[make][:2])
            write(f"{folder}/{make.__name__}.test", *files[make][2:])
        x, y, z, truth = files[make]
        own, other = {"fit": [], "predict": [], "score": []}, {"fit": [], "predict": [], "score": []}
        for repeat in range(args.repeat):
            given = {"train": f"{folder}/{make.__name__}.train", "test": f"{folder}/{make.__name__}.test", "kind": kind,
                     "options": options, "task": task, "seed": repeat, "clock": args.clock, "threads": args.threads}
            out = subprocess.run([args.binary, "--gtest_filter=LinearBench.*"], check=True, capture_output=True, text=True,
                                 env={**os.environ, "ATHANOR_LINEAR_BENCH": json.dumps(given)}).stdout
            found = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
            for key in own:
                own[key].append(found[key])
            model = peer()
            begin = now()
            model.fit(x, y)
            other["fit"].append(now() - begin)
            begin = now()
            answer = model.predict(z)
            other["predict"].append(now() - begin)
            other["score"].append(model.inertia_ if task == "clusters" else
                                  float((answer == truth).mean()) if task == "classes" else float(1 - ((answer - truth) ** 2).mean() / truth.var()))
        ratios = [statistics.median(other[key]) / statistics.median(own[key]) for key in ("fit", "predict")]
        print(f"| {name}, {x.shape[0]} x {x.shape[1]} | fit {show(own['fit'])} s, predict {show(own['predict'])} s, "
              f"score {statistics.median(own['score']):.4f} | fit {show(other['fit'])} s, predict {show(other['predict'])} s, "
              f"score {statistics.median(other['score']):.4f} | fit {ratios[0]:.1f} x, predict {ratios[1]:.1f} x |", flush=True)
