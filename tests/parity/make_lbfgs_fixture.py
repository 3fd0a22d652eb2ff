"""Writes tests/fixtures/classic/models/lbfgs.json: logistic regressions of scikit-learn at its usual tolerance, stopped short of the
optimum. Two classes and three, three tolerances each.

  PYTHONPATH=<scikit-learn> python3 tests/parity/make_lbfgs_fixture.py
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(3)
cases = []
for classes in (2, 3):
    x = np.round(rng.normal(0, 1, (80, 6)) * [1, 2, 0.5, 1, 3, 1], 3)
    y = np.argmax(x @ rng.normal(0, 1, (6, classes)) + rng.normal(0, 1, (80, classes)), axis=1)
    for tolerance in (1e-2, 1e-3, 1e-4):
        model = LogisticRegression(tol=tolerance, C=10).fit(x, y)
        cases.append({"x": x.tolist(), "y": y.tolist(), "classes": classes, "tolerance": tolerance, "rounds": int(model.n_iter_[0]),
                      "probabilities": np.round(model.predict_proba(x), 12).tolist()})
out = pathlib.Path(__file__).parents[1] / "fixtures/classic/models/lbfgs.json"
out.write_text(json.dumps({"made_by": f"tests/parity/make_lbfgs_fixture.py, scikit-learn {sklearn.__version__}", "cases": cases},
                          separators=(",", ":")) + "\n")
print(out.stat().st_size, [case["rounds"] for case in cases])
