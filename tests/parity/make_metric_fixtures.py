#!/usr/bin/env python3
"""Answers and what scikit-learn and SciPy say of them: tests/fixtures/metric/scores.json.

    python3 tests/parity/make_metric_fixtures.py

Made with scikit-learn 1.9.1, SciPy 1.17.1, NumPy 2.4.6.
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import scipy.stats
import sklearn
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "metric" / "scores.json"
warnings.filterwarnings("ignore")


def averages(truth, answer, weights, labels=None):
    out = {}
    for average in ("micro", "macro", "weighted"):
        for name, fn in (("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)):
            out[f"{name}_{average}"] = fn(truth, answer, average=average, zero_division=0, sample_weight=weights, labels=labels)
    return out


def classes(rng, rows, labels, weighted, ties):
    truth = rng.integers(0, labels, rows)
    if labels > 3:
        truth[truth == labels - 1] = 0  # a label that never is the truth
    logits = rng.normal(size=(rows, labels)) + 1.3 * np.eye(labels)[truth]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    if ties:
        p = np.round(p, 1) + 0.05
        p /= p.sum(1, keepdims=True)
    answer = p.argmax(1)
    w = np.round(rng.uniform(0.2, 3, rows), 3) if weighted else None
    scores = {
        "accuracy": metrics.accuracy_score(truth, answer, sample_weight=w),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, answer, sample_weight=w),
        "mcc": metrics.matthews_corrcoef(truth, answer, sample_weight=w),
        "kappa": metrics.cohen_kappa_score(truth, answer, sample_weight=w),
        "log_loss": metrics.log_loss(truth, p, sample_weight=w, labels=range(labels)),
        **averages(truth, answer, w),
    }
    if labels == 2:
        scores["precision"] = metrics.precision_score(truth, answer, sample_weight=w)
        scores["recall"] = metrics.recall_score(truth, answer, sample_weight=w)
        scores["f1"] = metrics.f1_score(truth, answer, sample_weight=w)
        scores["auc"] = metrics.roc_auc_score(truth, p[:, 1], sample_weight=w)
        scores["average_precision"] = metrics.average_precision_score(truth, p[:, 1], sample_weight=w)
        scores["brier"] = metrics.brier_score_loss(truth, p[:, 1], sample_weight=w)
    else:
        present = [c for c in range(labels) if 0 < (truth == c).sum()]
        scores["auc"] = float(np.mean([metrics.roc_auc_score(truth == c, p[:, c], sample_weight=w) for c in present]))
        squares = ((p - np.eye(labels)[truth]) ** 2).sum(1)
        scores["brier"] = float(np.average(squares, weights=w))
    return {"labels": labels, "truth": truth.tolist(), "answer": answer.tolist(), "probabilities": p.ravel().tolist(),
            "weights": [] if w is None else w.tolist(), "scores": scores}


def numbers(rng, rows, weighted):
    truth = np.round(rng.normal(10, 4, rows), 3)
    answer = np.round(truth + rng.normal(0.3, 1.5, rows), 3)
    w = np.round(rng.uniform(0.2, 3, rows), 3) if weighted else None
    scores = {
        "mae": metrics.mean_absolute_error(truth, answer, sample_weight=w),
        "mse": metrics.mean_squared_error(truth, answer, sample_weight=w),
        "rmse": metrics.root_mean_squared_error(truth, answer, sample_weight=w),
        "r2": metrics.r2_score(truth, answer, sample_weight=w),
        "mape": metrics.mean_absolute_percentage_error(truth, answer, sample_weight=w),
        "max_error": metrics.max_error(truth, answer),
    }
    if w is None:
        scores["median_absolute_error"] = metrics.median_absolute_error(truth, answer)
    return {"truth": truth.tolist(), "answer": answer.tolist(), "weights": [] if w is None else w.tolist(), "scores": scores}


def label_sets(rng, rows, labels):
    truth = rng.uniform(size=(rows, labels)) < 0.3
    answer = truth ^ (rng.uniform(size=(rows, labels)) < 0.15)
    scores = {"subset_accuracy": metrics.accuracy_score(truth, answer), "hamming_loss": metrics.hamming_loss(truth, answer),
              "jaccard": metrics.jaccard_score(truth, answer, average="samples", zero_division=0),
              **averages(truth, answer, None)}
    return {"labels": labels, "truth": truth.ravel().astype(int).tolist(), "answer": answer.ravel().astype(int).tolist(),
            "scores": scores}


def clusters(rng):
    centres = rng.normal(size=(4, 3)) * 4
    truth = rng.integers(0, 4, 150)
    points = np.round(centres[truth] + rng.normal(size=(150, 3)), 4)
    found = np.where(rng.uniform(size=150) < 0.2, rng.integers(0, 5, 150), truth)
    return {"points": points.ravel().tolist(), "columns": 3, "truth": truth.tolist(), "clusters": found.tolist(),
            "silhouette": metrics.silhouette_score(points, found),
            "adjusted_rand": metrics.adjusted_rand_score(truth, found),
            "normalized_mutual_information": metrics.normalized_mutual_info_score(truth, found)}


def curves(rng):
    truth = rng.integers(0, 2, 80)
    scores = np.round(rng.uniform(size=80) * 0.7 + 0.3 * truth, 2)
    fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
    precision, recall, _ = metrics.precision_recall_curve(truth, scores)
    return {"truth": truth.tolist(), "scores": scores.tolist(), "fpr": fpr.tolist(), "tpr": tpr.tolist(),
            "precision": precision[::-1][1:].tolist(), "recall": recall[::-1][1:].tolist()}


def distributions():
    return {
        "t": [[t, d, 2 * scipy.stats.t.sf(abs(t), d)] for t in (0.1, 1.0, 2.5, 12.0) for d in (1, 4, 30, 500)],
        "t_quantile": [[p, d, scipy.stats.t.ppf(p, d)] for p in (0.025, 0.5, 0.975) for d in (2, 9, 100)],
        "chi2": [[x, d, scipy.stats.chi2.sf(x, d)] for x in (0.1, 3.84, 25.0) for d in (1, 5, 40)],
        "normal": [[p, scipy.stats.norm.ppf(p)] for p in (1e-6, 0.01, 0.3, 0.5, 0.975, 0.9999)],
        "beta": [[a, b, x, scipy.special.betainc(a, b, x)] for a in (0.5, 3, 40) for b in (0.5, 2, 60) for x in (0.1, 0.5, 0.93)],
        "mcnemar": [[a, b, scipy.stats.binomtest(min(a, b), a + b).pvalue] for a, b in ((3, 9), (20, 21), (0, 5), (100, 150))],
    }


def main():
    rng = np.random.default_rng(20261122)
    data = {
        "made_with": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
        "classes": [classes(rng, 60, 2, False, False), classes(rng, 60, 2, True, True), classes(rng, 80, 5, False, False),
                    classes(rng, 80, 4, True, True)],
        "numbers": [numbers(rng, 41, False), numbers(rng, 40, True)],
        "label_sets": [label_sets(rng, 50, 4)],
        "clusters": [clusters(rng)],
        "curves": [curves(rng)],
        "distributions": distributions(),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(data, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
