#!/usr/bin/env python3
"""What scikit-learn's models say on small real data: tests/fixtures/classic/models/.

Made with scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6:
    ATHANOR_DATA=<data> PYTHONPATH=<scikit-learn> python3 tests/parity/make_linear_fixtures.py [group...]

data.json holds the sets (features already rounded, so both sides read the same numbers); each other file is a list of
cases {name, data, model, options, task, weighted, rows, predict, and whatever else is compared: coefficients, ...}.
"""
import gzip
import json
import os
import pathlib
import sys
import warnings

import numpy as np
import sklearn
from sklearn import cluster, isotonic, linear_model, mixture, naive_bayes, neighbors, svm
from sklearn.calibration import _SigmoidCalibration

warnings.simplefilter("ignore")
assert sklearn.__version__ == "1.9.1", sklearn.__version__
OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "classic" / "models"
DATA = pathlib.Path(os.environ["ATHANOR_DATA"]) / "tabular"
SHOWN = 30  # rows whose predictions are stored, spread over the set


def table(path, skip):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt") as file:
        return np.array([[float(v) for v in line.replace(",", " ").split()] for line in file.read().splitlines()[skip:]])


def zscore(x, decimals=3):
    return np.round((x - x.mean(0)) / x.std(0), decimals)


def sets():
    iris = table(DATA / "sklearn/iris.csv", 1)
    wine = table(DATA / "sklearn/wine_data.csv", 1)
    cancer = table(DATA / "sklearn/breast_cancer.csv", 1)[:240]
    digits = table(DATA / "sklearn/digits.csv.gz", 0)[:250]
    pima = table(DATA / "pima-indians-diabetes.csv", 0)[:300]
    diabetes = table(DATA / "sklearn/diabetes_data_raw.csv.gz", 0)
    target = table(DATA / "sklearn/diabetes_target.csv.gz", 0)[:, 0]
    return {
        "iris": (iris[:, :-1], iris[:, -1].astype(int)),
        "wine": (zscore(wine[:, :-1]), wine[:, -1].astype(int)),
        "cancer": (zscore(cancer[:, :-1]), cancer[:, -1].astype(int)),
        "digits": (digits[:, :-1], digits[:, -1].astype(int)),
        "pima": (pima[:, :-1], pima[:, -1].astype(int)),
        "diabetes": (zscore(diabetes), target),
        "wide": (zscore(cancer[:, :-1])[:20], np.round(cancer[:20, 3] / 100, 3)),  # more columns than rows
    }


SETS = sets()


def weights_of(n):
    return np.array([0.5, 1.0, 2.0])[np.arange(n) % 3]


def shown(n):
    return np.unique(np.linspace(0, n - 1, SHOWN).astype(int))


def plain(value):
    return np.asarray(value).tolist()


def case(name, data, model, options, peer, weighted=False, task=None, scores=None, extra=None):
    """One fitted peer. scores: how its answer is read (predict_proba, decision_function, predict)."""
    x, y = SETS[data]
    task = task or ("regression" if y.dtype.kind == "f" else "classes")
    if task == "clusters":
        peer.fit(x)
    elif weighted:
        peer.fit(x, y, sample_weight=weights_of(len(y)))
    else:
        peer.fit(x, y)
    rows = shown(len(x))
    found = plain(getattr(peer, scores or ("predict" if task == "regression" else "predict_proba"))(x[rows]))
    out = {"name": name, "data": data, "model": model, "options": options, "task": task, "weighted": weighted,
           "rows": plain(rows), "predict": found}
    for key in ("coefficients", "intercepts"):
        attribute = {"coefficients": "coef_", "intercepts": "intercept_"}[key]
        if hasattr(peer, attribute) and getattr(peer, "kernel", "linear") == "linear" and model not in ("svm", "naive_bayes"):
            out[key] = plain(np.ravel(getattr(peer, attribute)))
    out.update(extra(peer, x, y) if extra else {})
    return out


def linear():
    L, R, A, E = linear_model.LinearRegression, linear_model.Ridge, linear_model.Lasso, linear_model.ElasticNet
    tight = dict(tol=1e-14, max_iter=1000000)
    own = dict(tolerance=1e-14, max_iterations=1000000)
    yield case("linear", "diabetes", "linear", {}, L())
    yield case("linear weighted", "diabetes", "linear", {}, L(), weighted=True)
    yield case("linear without intercept", "diabetes", "linear", {"intercept": False}, L(fit_intercept=False))
    yield case("linear, more columns than rows", "wide", "linear", {}, L())
    yield case("ridge", "diabetes", "ridge", {"alpha": 10}, R(alpha=10))
    yield case("ridge weighted", "diabetes", "ridge", {"alpha": 2.5}, R(alpha=2.5), weighted=True)
    yield case("ridge, more columns than rows", "wide", "ridge", {"alpha": 0.1}, R(alpha=0.1))
    for alpha in (0.1, 1.0, 10.0):
        yield case(f"lasso {alpha}", "diabetes", "lasso", {"alpha": alpha, **own}, A(alpha=alpha, **tight))
    yield case("lasso weighted", "diabetes", "lasso", {"alpha": 0.5, **own}, A(alpha=0.5, **tight), weighted=True)
    yield case("lasso, more columns than rows", "wide", "lasso", {"alpha": 0.05, **own}, A(alpha=0.05, **tight))
    yield case("elastic_net", "diabetes", "elastic_net", {"alpha": 0.3, "l1": 0.7, **own}, E(alpha=0.3, l1_ratio=0.7, **tight))
    yield case("elastic_net without intercept", "diabetes", "elastic_net",
               {"alpha": 0.3, "l1": 0.2, "intercept": False, **own},
               E(alpha=0.3, l1_ratio=0.2, fit_intercept=False, **tight))


def logistic():
    def peer(solver="newton-cg", **more):
        return linear_model.LogisticRegression(solver=solver, tol=1e-12, max_iter=200000, **more)

    own = {"tolerance": 1e-11}
    for data in ("cancer", "iris", "wine"):
        yield case(f"logistic {data}", data, "logistic", own, peer("newton-cholesky"))
    yield case("logistic digits", "digits", "logistic", {"c": 0.1, **own}, peer(C=0.1))
    yield case("logistic weighted", "cancer", "logistic", {"c": 0.5, **own}, peer("newton-cholesky", C=0.5), weighted=True)
    yield case("logistic many weighted", "wine", "logistic", {"c": 3, **own}, peer("newton-cholesky", C=3), weighted=True)
    yield case("logistic unscaled", "pima", "logistic", own, peer("newton-cholesky"))
    yield case("logistic unpunished", "pima", "logistic", {"penalty": "none", **own}, peer("newton-cholesky", C=np.inf))
    yield case("logistic without intercept", "cancer", "logistic", {"intercept": False, **own},
               peer("newton-cholesky", fit_intercept=False))
    yield case("logistic l1", "cancer", "logistic", {"c": 0.2, "l1": 1, **own}, peer("saga", C=0.2, l1_ratio=1))
    yield case("logistic elastic", "cancer", "logistic", {"c": 0.5, "l1": 0.4, **own}, peer("saga", C=0.5, l1_ratio=0.4))
    yield case("logistic many l1", "wine", "logistic", {"c": 0.3, "l1": 1, **own}, peer("saga", C=0.3, l1_ratio=1))
    yield case("logistic many elastic", "wine", "logistic", {"c": 0.3, "l1": 0.5, **own}, peer("saga", C=0.3, l1_ratio=0.5))


def online():
    for data, epochs in (("cancer", 7), ("wine", 5), ("digits", 6)):
        yield case(f"perceptron {data}", data, "perceptron", {"epochs": epochs, "tolerance": 0, "shuffle": False},
                   linear_model.Perceptron(max_iter=epochs, tol=None, shuffle=False), scores="decision_function")
    for loss in ("hinge", "log", "squared_hinge", "modified_huber"):
        yield case(f"sgd {loss}", "cancer", "sgd", {"loss": loss, "epochs": 9, "tolerance": 0, "shuffle": False, "alpha": 0.05},
                   linear_model.SGDClassifier(loss={"log": "log_loss"}.get(loss, loss), max_iter=9, tol=None, shuffle=False,
                                              alpha=0.05), scores="decision_function")


def supports(peer, x, y):
    return {"supports": int(len(peer.support_))}


def machines():
    for kernel in ("linear", "poly", "rbf", "sigmoid"):
        yield case(f"svm {kernel}", "cancer", "svm", {"kernel": kernel, "tolerance": 1e-10},
                   svm.SVC(kernel=kernel, tol=1e-10), scores="decision_function", extra=supports)
    yield case("svm many", "wine", "svm", {"tolerance": 1e-10, "c": 2}, svm.SVC(tol=1e-10, C=2), scores="decision_function")
    yield case("svm digits", "digits", "svm", {"tolerance": 1e-10}, svm.SVC(tol=1e-10), scores="decision_function")
    yield case("svm nu", "cancer", "svm", {"by": "nu", "nu": 0.2, "tolerance": 1e-10}, svm.NuSVC(nu=0.2, tol=1e-10),
               scores="decision_function", extra=supports)
    yield case("svr", "diabetes", "svm", {"c": 50, "epsilon": 5, "tolerance": 1e-10}, svm.SVR(C=50, epsilon=5, tol=1e-10))
    yield case("nu svr", "diabetes", "svm", {"by": "nu", "c": 50, "nu": 0.4, "tolerance": 1e-10},
               svm.NuSVR(C=50, nu=0.4, tol=1e-10))
    one = case("one class", "wine", "svm", {"nu": 0.1, "tolerance": 1e-10}, svm.OneClassSVM(nu=0.1, tol=1e-10),
               scores="decision_function")
    yield {**one, "task": "anomaly", "predict": [-v for v in one["predict"]]}
    own = {"tolerance": 1e-11, "max_iterations": 1000000}
    tight = dict(dual=True, tol=1e-10, max_iter=10000000, random_state=1)
    for loss in ("hinge", "squared_hinge"):
        yield case(f"linear_svm {loss}", "cancer", "linear_svm", {"loss": loss, "c": 0.5, **own},
                   svm.LinearSVC(loss=loss, C=0.5, **tight), scores="decision_function")
    yield case("linear_svm many weighted", "wine", "linear_svm", {"c": 0.5, **own},
               svm.LinearSVC(C=0.5, **tight), weighted=True, scores="decision_function")
    for loss, name in (("epsilon_insensitive", "hinge"), ("squared_epsilon_insensitive", "squared_hinge")):
        yield case(f"linear svr {name}", "diabetes", "linear_svm", {"loss": name, "c": 0.5, "epsilon": 2, **own},
                   svm.LinearSVR(loss=loss, C=0.5, epsilon=2, **tight))


def bayes():
    for weighted in (False, True):
        w = " weighted" if weighted else ""
        yield case("gaussian" + w, "wine", "naive_bayes", {"by": "gaussian"}, naive_bayes.GaussianNB(), weighted)
        yield case("multinomial" + w, "digits", "naive_bayes", {"by": "multinomial", "alpha": 0.5},
                   naive_bayes.MultinomialNB(alpha=0.5), weighted)
        yield case("bernoulli" + w, "digits", "naive_bayes", {"by": "bernoulli", "binarize": 8},
                   naive_bayes.BernoulliNB(binarize=8), weighted)
        yield case("complement" + w, "digits", "naive_bayes", {"by": "complement"}, naive_bayes.ComplementNB(), weighted)
    yield case("complement normed", "digits", "naive_bayes", {"by": "complement", "norm": True, "alpha": 2},
               naive_bayes.ComplementNB(norm=True, alpha=2))
    yield case("multinomial uniform prior", "digits", "naive_bayes", {"by": "multinomial", "learn_prior": False},
               naive_bayes.MultinomialNB(fit_prior=False))


def neighbours():
    for metric in ("euclidean", "manhattan", "cosine"):
        for weights in ("uniform", "distance"):
            yield case(f"knn {metric} {weights}", "wine", "knn", {"neighbours": 7, "metric": metric, "weights": weights},
                       neighbors.KNeighborsClassifier(7, metric=metric, weights=weights))
    yield case("knn tree", "pima", "knn", {"neighbours": 4, "search": "tree", "weights": "distance"},
               neighbors.KNeighborsClassifier(4, weights="distance", algorithm="kd_tree"))
    yield case("knn numbers", "diabetes", "knn", {"neighbours": 6}, neighbors.KNeighborsRegressor(6))
    yield case("knn numbers distance", "diabetes", "knn", {"neighbours": 6, "metric": "manhattan", "weights": "distance"},
               neighbors.KNeighborsRegressor(6, metric="manhattan", weights="distance"))


def groups():
    for data, k in (("iris", 3), ("wine", 5), ("digits", 10)):
        x = SETS[data][0]
        start = np.arange(k) * (len(x) // k)
        peer = cluster.KMeans(k, init=x[start], n_init=1, tol=1e-4, max_iter=300, algorithm="lloyd").fit(x)
        yield {"name": f"kmeans {data}", "data": data, "kind": "kmeans", "start": plain(start), "inertia": float(peer.inertia_),
               "iterations": int(peer.n_iter_), "centres": plain(np.ravel(peer.cluster_centers_)), "labels": plain(peer.labels_)}
    for data, eps, least in (("iris", 0.5, 5), ("wine", 2.2, 6), ("pima", 20, 4)):
        peer = cluster.DBSCAN(eps=eps, min_samples=least).fit(SETS[data][0])
        yield {"name": f"dbscan {data}", "data": data, "kind": "dbscan", "options": {"radius": eps, "least": least},
               "labels": plain(peer.labels_)}
    for data in ("iris", "wine"):
        x, y = SETS[data]
        for shape in ("full", "tied", "diag", "spherical"):
            class FromLabels(mixture.GaussianMixture):
                def _initialize_parameters(self, X, random_state, xp=None):
                    self._initialize(X, np.eye(3)[y])
            peer = FromLabels(3, covariance_type=shape, tol=1e-6, max_iter=500).fit(x)
            rows = shown(len(x))
            yield {"name": f"mixture {data} {shape}", "data": data, "kind": "gaussian_mixture", "shape": shape,
                   "iterations": int(peer.n_iter_), "bound": float(peer.lower_bound_), "weights": plain(peer.weights_),
                   "means": plain(np.ravel(peer.means_)), "rows": plain(rows),
                   "responsibilities": plain(peer.predict_proba(x[rows])), "log_likelihood": plain(peer.score_samples(x[rows]))}


def calibration():
    for data in ("cancer", "pima"):
        x, y = SETS[data]
        score = x[:, 1] - 0.5 * x[:, 4]
        weight = weights_of(len(y))
        for weighted in (False, True):
            sigmoid = _SigmoidCalibration().fit(score, y, sample_weight=weight if weighted else None)
            steps = isotonic.IsotonicRegression(out_of_bounds="clip").fit(score, y, sample_weight=weight if weighted else None)
            points = np.linspace(score.min() - 1, score.max() + 1, 41)
            yield {"name": f"{data}{' weighted' if weighted else ''}", "score": plain(score), "yes": plain(y), "weighted": weighted,
                   "sigmoid": [float(sigmoid.a_), float(sigmoid.b_)], "points": plain(points),
                   "isotonic": plain(steps.predict(points)), "x": plain(steps.X_thresholds_), "y": plain(steps.y_thresholds_)}


GROUPS = {f.__name__: f for f in (linear, logistic, online, machines, bayes, neighbours, groups, calibration)}


def short(value):
    return int(value) if float(value) == int(value) else float(value)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "data.json").write_text(json.dumps(
        {name: {"columns": x.shape[1], "x": [short(v) for v in np.ravel(x)], "y": plain(y), "numbers": y.dtype.kind == "f"}
         for name, (x, y) in SETS.items()}, separators=(",", ":")) + "\n")
    for name in sys.argv[1:] or GROUPS:
        cases = list(GROUPS[name]())
        (OUT / f"{name}.json").write_text("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in cases) + "\n]\n")
        print(name, len(cases), (OUT / f"{name}.json").stat().st_size)


main()
