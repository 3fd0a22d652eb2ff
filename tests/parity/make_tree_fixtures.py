"""Writes fuzz/corpus/tree_model/ and tests/fixtures/classic/trees.json: decision trees and AdaBoost of scikit-learn, isolation forest scores, and an
XGBoost model with its contributions, all on small made-up tables without ties.

  PYTHONPATH=<numpy, scikit-learn, xgboost> python3 tests/parity/make_tree_fixtures.py
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
import xgboost
from sklearn.base import clone
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor, IsolationForest
from sklearn.ensemble._iforest import _average_path_length
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.simplefilter("ignore")
rng = np.random.default_rng(7)


def rounded(values):
    return [float(v) for v in np.asarray(values, dtype=np.float64).ravel()]


def table(rows, columns):
    """Few significant bits, so that sums of values are exact and only the split decides; all distinct in a column."""
    return np.stack([rng.permutation(rows * 4)[:rows] for _ in range(columns)], axis=1) / 64.0


x = table(240, 5)
noise = rng.integers(-3, 4, 240)
value = np.round(8 * np.sin(x[:, 0]) + x[:, 1] * (x[:, 2] > 7) + noise) / 4
classes = np.digitize(x[:, 0] + x[:, 1] / 2 + noise / 4, [8, 14])
two = (classes > 0).astype(int)
weights = rng.integers(1, 5, 240).astype(float)
test = table(80, 5)
trees = []


def settled(model, target, weight):
    """Whether no tie decides: scikit-learn tries features in an order that its seed draws."""
    said = [clone(model).set_params(random_state=seed).fit(x, target, sample_weight=weight).apply(np.vstack([x, test])) for seed in range(12)]
    return all((one == said[0]).all() for one in said)


def add(name, model, options, target, task):
    for weighted in (False, True):
        model.fit(x, target, sample_weight=weights if weighted else None)
        if not settled(model, target, weights if weighted else None):
            continue
        said = model.predict(test) if task == "regression" else model.predict_proba(test)
        trees.append({"name": name, "options": options, "task": task, "weighted": weighted, "leaves": int(model.get_n_leaves()),
                      "depth": int(model.get_depth()), "predicted": rounded(said), "importances": rounded(model.feature_importances_),
                      "target": [int(v) for v in target] if task != "regression" else rounded(target)})


for target, name in ((classes, "three classes"), (two, "two classes")):
    for criterion in ("gini", "entropy"):
        add(name, DecisionTreeClassifier(criterion=criterion, max_depth=4, min_samples_leaf=3, random_state=0),
            {"criterion": criterion, "max_depth": 4, "min_samples_leaf": 3}, target, "classes")
    add(name + ", pruned", DecisionTreeClassifier(ccp_alpha=0.01, min_samples_leaf=2, random_state=0),
        {"prune": 0.01, "min_samples_leaf": 2}, target, "classes")
    add(name + ", best first", DecisionTreeClassifier(max_leaf_nodes=9, random_state=0), {"max_leaves": 9}, target, "classes")
add("values", DecisionTreeRegressor(max_depth=5, min_samples_leaf=4, random_state=0), {"max_depth": 5, "min_samples_leaf": 4}, value,
    "regression")
add("values, least gain", DecisionTreeRegressor(min_impurity_decrease=0.2, random_state=0), {"min_gain": 0.2}, value, "regression")
add("distances", DecisionTreeRegressor(criterion="absolute_error", max_depth=3, min_samples_leaf=9, random_state=0),
    {"criterion": "absolute", "max_depth": 3, "min_samples_leaf": 9}, value, "regression")

boosts = []
for target, name in ((classes, "three classes"), (two, "two classes")):
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=12, learning_rate=0.7, random_state=0).fit(x, target)
    boosts.append({"name": name, "target": [int(v) for v in target], "predicted": rounded(model.predict_proba(test))})

MASK = (1 << 64) - 1


def mix64(v):
    v = (v + 0x9E3779B97F4A7C15) & MASK
    v = ((v ^ (v >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    v = ((v ^ (v >> 27)) * 0x94D049BB133111EB) & MASK
    return v ^ (v >> 31)


def random_at(seed, a, b=0, c=0):
    return mix64(mix64(mix64(mix64(seed) ^ a) ^ b) ^ c)


class OurDraws(np.random.RandomState):
    """AdaBoostRegressor's draws of rows as Athanor makes them (adaboost_values.cc), so that both learn from the same rows."""
    part = 0

    def choice(self, rows, size, replace, p):
        key = random_at(5, 0x61645232, self.part)
        self.part += 1
        up_to = np.cumsum(p)
        units = np.array([(random_at(key, i) >> 11) / 2.0**53 for i in range(size)])
        return np.minimum(np.searchsorted(up_to, units * up_to[-1], side="right"), size - 1)


def boosted_values(loss, weighted, times, seed):
    model = AdaBoostRegressor(DecisionTreeRegressor(max_depth=3, min_samples_leaf=8), n_estimators=times, learning_rate=0.8, loss=loss, random_state=OurDraws(seed))
    return model.fit(x, fine, sample_weight=weights if weighted else None)


fine = np.round(64 * (8 * np.sin(x[:, 0]) + x[:, 1] * (x[:, 2] > 7) + noise + np.cos(5 * x[:, 3]))) / 64
boosts_of_values = []
for loss in ("linear", "square", "exponential"):
    for weighted in (False, True):
        for times in range(10, 0, -1):  # as many as no tie decides
            models = [boosted_values(loss, weighted, times, seed) for seed in range(12)]
            said = [model.predict(np.vstack([x, test])) for model in models]
            if all((one == said[0]).all() for one in said):
                break
        assert times >= 4, (loss, weighted, times)
        boosts_of_values.append({"loss": loss, "weighted": weighted, "times": times, "models": len(models[0].estimators_),
                                 "target": rounded(fine), "predicted": rounded(models[0].predict(test))})

forest = IsolationForest(n_estimators=5, max_samples=64, random_state=3).fit(x)
isolation = {"sampled": 64, "scores": rounded(-forest.score_samples(test)), "trees": []}
for tree, columns in zip(forest.estimators_, forest.estimators_features_):
    t = tree.tree_
    depth = [0] * t.node_count
    for node in range(t.node_count):
        for child in (t.children_left[node], t.children_right[node]):
            if child >= 0:
                depth[child] = depth[node] + 1
    leaf = [depth[i] + float(_average_path_length(np.array([t.n_node_samples[i]]))[0]) for i in range(t.node_count)]
    isolation["trees"].append({"feature": [int(columns[f]) if f >= 0 else -1 for f in t.feature], "threshold": rounded(t.threshold),
                               "left": t.children_left.tolist(), "right": t.children_right.tolist(), "value": rounded(leaf)})

holes = x.copy()
holes[rng.random(x.shape) < 0.1] = np.nan
holes_test = test.copy()
holes_test[rng.random(test.shape) < 0.1] = np.nan
booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 4, "eta": 0.3, "nthread": 1, "base_score": 0.5},
                        xgboost.DMatrix(holes, label=classes), 3)
dump = json.loads(booster.save_raw("json").decode())["learner"]["gradient_booster"]["model"]["trees"]
shap = {"test": [None if np.isnan(v) else float(v) for v in holes_test.ravel()],
        "margins": rounded(booster.predict(xgboost.DMatrix(holes_test), output_margin=True)),
        "contributions": rounded(booster.predict(xgboost.DMatrix(holes_test), pred_contribs=True)),
        "trees": [{"feature": t["split_indices"], "threshold": t["split_conditions"], "left": t["left_children"],
                   "right": t["right_children"], "missing_left": [bool(v) for v in t["default_left"]], "cover": t["sum_hessian"]}
                  for t in dump]}
out = pathlib.Path(__file__).parents[1] / "fixtures/classic/trees.json"
out.write_text(json.dumps({"made_by": f"tests/parity/make_tree_fixtures.py, scikit-learn {sklearn.__version__}, xgboost {xgboost.__version__}",
                           "x": rounded(x), "columns": 5, "test": rounded(test), "weights": rounded(weights), "trees": trees,
                           "adaboost": boosts, "adaboost_of_values": boosts_of_values, "isolation": isolation, "shap": shap}, separators=(",", ":")) + "\n")
print(out.stat().st_size)


def stored(kind, task, model, arrays, options=None):
    """A stored model as fuzz/tree_model_fuzz.cc takes it: u32, saved.json, arrays.safetensors (wide types first)."""
    text = json.dumps({"kind": kind, "options": options or {}, "task": task, "schema": 1, **model}).encode()
    header, body = {}, b""
    for name, values in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
        kind_of = {"f8": "F64", "f4": "F32", "i8": "I64", "i4": "I32", "u1": "U8"}[values.dtype.str[1:]]
        header[name] = {"dtype": kind_of, "shape": [len(values)], "data_offsets": [len(body), len(body) + values.nbytes]}
        body += values.tobytes()
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return len(text).to_bytes(4, "little") + text + len(head).to_bytes(8, "little") + head + body


def arrays(prefix, roots, threshold, feature, child, leaf):
    n = len(child)
    return {prefix + "roots": np.array(roots, "<i4"), prefix + "threshold": np.array(threshold, "<f8"),
            prefix + "feature": np.array(feature, "<i4"), prefix + "child": np.array(child, "<i4"),
            prefix + "gain": np.ones(n, "<f4"), prefix + "cover": np.arange(2 * n, n, -1).astype("<f4"),
            prefix + "leaf": np.array(leaf, "<f8")}


def trees_of(width, groups):
    return {"columns": 3, "width": width, "groups": groups}


corpus = pathlib.Path(__file__).parents[2] / "fuzz/corpus/tree_model"
corpus.mkdir(parents=True, exist_ok=True)
two_trees = arrays("trees.", [0, 5], [0.5, -1, 0, 0, 0, 2, 0, 0], [0, 1 - 2**31, 0, 0, 0, 2, 0, 0],
                   [1, 3, -1, -2, -3, 6, -4, -5], [1, 2, 3, 4, 5])
(corpus / "boosting").write_bytes(stored(
    "boosting", "regression", {"loss": "squared", "labels": 0, "trees": trees_of(1, 1)},
    {"base": np.array([0.5]), "valid_losses": np.array([], "<f8"), **two_trees}))
(corpus / "softmax").write_bytes(stored(
    "boosting", "classes", {"loss": "softmax", "labels": 2, "trees": trees_of(1, 2)},
    {"base": np.array([0.5, 1]), "valid_losses": np.array([1.0]), **two_trees}))
(corpus / "tree").write_bytes(stored(
    "tree", "classes", {"trees": trees_of(2, 1)},
    {"labels.ends": np.array([2, 5], "<i8"), "labels.bytes": np.frombuffer(b"noyes", "u1"),
     **arrays("trees.", [0], [0.5, 0, 0], [2, 0, 0], [1, -1, -2], [0.9, 0.1, 0.2, 0.8])}))
(corpus / "isolation").write_bytes(stored(
    "isolation_forest", "anomaly", {"sampled": 64, "threshold": 0.5, "trees": trees_of(1, 1)}, two_trees))
(corpus / "bagging").write_bytes(stored(
    "bagging", "regression",
    {"columns": 3, "members": 1, "member0": {"kind": "forest", "options": {}, "task": "regression", "labels": 0, "out_of_bag": None,
                                             "trees": trees_of(1, 1)}},
    {"member0.sees": np.array([0, 1, 2], "<i4"), **{"member0." + k: v for k, v in two_trees.items()}},
    {"of": {"kind": "forest"}}))


def together(parts):
    """The nodes as one array of 64-bit words, as models are stored now (docs/data/models.md)."""
    out = dict(parts)
    for name in [name for name in parts if name.endswith("threshold")]:
        prefix = name.removesuffix("threshold")
        nodes = np.zeros(len(parts[name]), dtype=[("threshold", "<f8"), ("feature", "<i4"), ("child", "<i4")])
        for field in nodes.dtype.names:
            nodes[field] = out.pop(prefix + field)
        out[prefix + "nodes"] = nodes.view("<i8")
    return out


(corpus / "boosting-nodes").write_bytes(stored(
    "boosting", "regression", {"loss": "squared", "labels": 0, "trees": trees_of(1, 1)},
    together({"base": np.array([0.5]), "valid_losses": np.array([], "<f8"), **two_trees})))
(corpus / "isolation-nodes").write_bytes(stored(
    "isolation_forest", "anomaly", {"sampled": 64, "threshold": 0.5, "trees": trees_of(1, 1)}, together(two_trees)))
