#!/usr/bin/env python3
"""SHAP values of trees against the C extension of the package `shap`: the same trees, the same rows, values within 1e-6.

    PYTHONPATH=<shap 0.51.0, pandas, scikit-learn> python3 bench/tree_shap.py SHAP_SPEED DATA [ROWS [ROUNDS]]

SHAP_SPEED: the program (cmake --build build --target shap_speed); DATA: the data folder. CPU seconds of one thread, in turns, the
median of ROUNDS (5) over ROWS (1000). Forests of 100 whole trees, and boosting; adult with its categories as numbers, and
California housing.
"""
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import shap

FOREST, BOOSTING = ("forest", {"trees": 100}), ("boosting", {"rounds": 300})


def numbers_of(rows):
    columns = []
    for column in zip(*rows):
        try:
            columns.append(np.array([float(v) if v else np.nan for v in column]))
        except ValueError:
            codes = {v: i for i, v in enumerate(sorted(set(column)))}
            columns.append(np.array([float(codes[v]) for v in column]))
    return np.stack(columns, axis=1)


def table(data, name, header):
    text = subprocess.run(["zstdcat", os.path.join(data, "tabular", name)], stdout=subprocess.PIPE, check=True, text=True).stdout
    rows = [[v.strip() for v in row] for row in csv.reader(io.StringIO(text)) if row]
    return numbers_of(rows[header:])


def sets(data):
    adult = table(data, "adult.train.csv.zst", 0)
    homes = table(data, "california_housing.csv.zst", 1)
    homes = np.nan_to_num(homes[:, [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]], nan=0.0)
    return (("adult, forest", adult, 2, FOREST), ("California housing, forest", homes, 0, FOREST), ("adult, boosting", adult, 2, BOOSTING))


def ensemble(path):
    with open(path + ".json", encoding="utf-8") as file:
        stored = json.load(file)
    trees = [{"children_left": np.array(t["left"]), "children_right": np.array(t["right"]), "children_default": np.array(t["default"]),
              "features": np.array(t["feature"]), "thresholds": np.array(t["threshold"]),
              "values": np.array(t["value"]) * stored["scale"], "node_sample_weight": np.array(t["cover"], dtype=np.float64)}
             for t in stored["trees"]]
    return {"trees": trees, "tree_output": "raw_value", "objective": "squared_error", "base_offset": 0.0,
            "internal_dtype": np.float64, "input_dtype": np.float64}


def main():
    program, data = os.path.abspath(sys.argv[1]), sys.argv[2]
    count, rounds = (int(sys.argv[3]) if len(sys.argv) > 3 else 1000), (int(sys.argv[4]) if len(sys.argv) > 4 else 5)
    with tempfile.TemporaryDirectory() as work:
        for name, matrix, classes, (kind, options) in sets(data):
            np.ascontiguousarray(matrix, dtype=np.float64).tofile(os.path.join(work, "x"))
            columns = matrix.shape[1] - 1
            ours, theirs, off = [], [], 0.0
            for turn in range(rounds):
                line = subprocess.run([program, os.path.join(work, "x"), str(len(matrix)), str(columns), str(classes), kind, json.dumps(options),
                                       str(count), "1", os.path.join(work, "out")], stdout=subprocess.PIPE, check=True, text=True).stdout
                found = json.loads(line)
                ours.append(found["cpu"])
                if turn == 0:
                    explainer = shap.TreeExplainer(ensemble(os.path.join(work, "out")), feature_perturbation="tree_path_dependent")
                x = np.ascontiguousarray(matrix[:count, :columns])
                begin = time.process_time()
                values = explainer.shap_values(x, check_additivity=False)
                theirs.append(time.process_time() - begin)
            own = np.fromfile(os.path.join(work, "out.bin")).reshape(found["outputs"], len(x), columns + 1)
            values = np.asarray(values).reshape(len(x), columns, -1)
            for k in range(found["outputs"]):
                off = max(off, float(np.abs(own[k, :, :columns] - values[:, :, k]).max()))
            mine, peer = statistics.median(ours), statistics.median(theirs)
            print(f"{name}: {found['leaves']} leaves, {len(x)} rows, one thread: {mine:.2f} s CPU ({min(ours):.2f} to {max(ours):.2f}), "
                  f"shap {peer:.2f} ({min(theirs):.2f} to {max(theirs):.2f}), {peer / mine:.1f} x; largest difference {off:.1e}", flush=True)


main()
