"""Fixtures of athanor/tune: python3 tests/parity/make_tune_fixtures.py
Made with optuna 5.0.0, scipy 1.17.1, SQLAlchemy 2.1.9."""
import json
import math
import os
import random
import sqlite3
import tempfile

import optuna
from scipy.stats import qmc

HERE = os.path.join(os.path.dirname(__file__), "..", "fixtures", "tune")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def sobol():
    points = qmc.Sobol(64, scramble=False, bits=30).random(64)
    rows = [[round(float(x) * 2**30) for x in point] for point in points]
    return {"bits": 30, "points": [row for i, row in enumerate(rows) if i in (1, 2, 3, 10, 31, 63)], "indices": [1, 2, 3, 10, 31, 63]}


def importance():
    rng = random.Random(5)
    study = optuna.create_study(direction="minimize")
    distributions = {
        "a": optuna.distributions.FloatDistribution(-5, 5),
        "b": optuna.distributions.FloatDistribution(1e-4, 1, log=True),
        "c": optuna.distributions.IntDistribution(1, 9, step=2),
        "d": optuna.distributions.CategoricalDistribution(["x", "y", "z"]),
        "e": optuna.distributions.IntDistribution(1, 300, log=True),
        "f": optuna.distributions.FloatDistribution(0, 1, step=0.25),
    }
    trials = []
    for _ in range(120):
        params = {
            "a": rng.uniform(-5, 5),
            "b": 10 ** rng.uniform(-4, 0),
            "c": rng.choice([1, 3, 5, 7, 9]),
            "d": rng.choice(["x", "y", "z"]),
            "e": rng.randint(1, 300),
            "f": rng.choice([0, 0.25, 0.5, 0.75, 1.0]),
        }
        value = params["a"] ** 2 + abs(math.log10(params["b"]) + 2) + {"x": 0, "y": 1, "z": 3}[params["d"]] + 0.3 * params["c"]
        trials.append({"params": params, "value": value})
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=value))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {"trials": trials, "importance": shares}


def schema():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s.db")
        study = optuna.create_study(storage="sqlite:///" + path)
        study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        del study
        db = sqlite3.connect(path)
        tables = {}
        for (name,) in db.execute("select name from sqlite_master where type='table' order by name"):
            columns = [list(row[1:6]) for row in db.execute(f"pragma table_info({name})")]
            uniques = sorted(
                [row[2], [c[2] for c in db.execute(f"pragma index_info({row[1]})")]]
                for row in db.execute(f"pragma index_list({name})")
            )
            tables[name] = {"columns": columns, "indices": uniques}
        versions = [list(db.execute("select schema_version, library_version from version_info").fetchone()),
                    list(db.execute("select version_num from alembic_version").fetchone())]
        distributions = {}
        for d in (optuna.distributions.FloatDistribution(1e-4, 0.1, log=True), optuna.distributions.FloatDistribution(0, 1, step=0.25),
                  optuna.distributions.IntDistribution(2, 10, step=2), optuna.distributions.CategoricalDistribution(["x", 1, None, True])):
            distributions[type(d).__name__ + str(len(distributions))] = json.loads(optuna.distributions.distribution_to_json(d))
        return {"tables": tables, "versions": versions, "distributions": list(distributions.values())}


for name, make in (("sobol", sobol), ("importance", importance), ("optuna_schema", schema)):
    with open(os.path.join(HERE, name + ".json"), "w") as file:
        json.dump(make(), file, indent=None, separators=(",", ":"))
        file.write("\n")
