"""Language identification with lid.176.ftz: Athanor against fastText, interleaved: sentences a second of one core
(processor time), agreement of labels and probabilities, accuracy.

  ATHANOR_DATA=<data> PYTHONPATH=<fasttext, numpy> python3 bench/langid.py build/classic_tests [--rounds 5]

fastText is called for all sentences at once (multilinePredict), so Python's share of its time is small.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--rounds", type=int, default=5)
args = parser.parse_args()
data = pathlib.Path(os.environ["ATHANOR_DATA"]) / "langid"

import fasttext  # noqa: E402

model = fasttext.load_model(str(data / "lid.176.ftz"))
tsv = subprocess.run(["zstd", "-dc", data / "sentences.tsv.zst"], check=True, capture_output=True).stdout.decode()
rows = [line.split("\t", 1) for line in tsv.removesuffix("\n").split("\n")]
lines = [text + "\n" for _, text in rows]


def ours():
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
        out = subprocess.run([args.binary, "--gtest_filter=Langid.Bench"], check=True, capture_output=True, text=True,
                             env={**os.environ, "ATHANOR_LANGID_OUT": file.name}).stdout
        seconds = float(next(line for line in out.split("\n") if line.startswith("seconds ")).split()[1])
        return seconds, [(label, float(p)) for label, p in (line.split("\t") for line in file.read().splitlines())]


def peer():
    begin = time.process_time()
    found = model.f.multilinePredict(lines, 1, 0.0, "strict")
    seconds = time.process_time() - begin
    return seconds, [(labels[0].removeprefix("__label__"), float(p[0])) for labels, p in zip(*found)]


times, answers = {"athanor": [], "fasttext": []}, {}
for _ in range(args.rounds):
    for name, call in (("athanor", ours), ("fasttext", peer)):
        seconds, answers[name] = call()
        times[name].append(seconds)
a, b = answers["athanor"], answers["fasttext"]
same = sum(x[0] == y[0] for x, y in zip(a, b))
apart = max(abs(x[1] - y[1]) for x, y in zip(a, b))
print(f"{len(rows)} sentences; same label {same} ({same / len(rows):.4%}), largest difference of probability {apart:.2e}")
for name, found in answers.items():
    right = sum(x[0] == row[0] for x, row in zip(found, rows))
    rates = sorted(len(rows) / s for s in times[name])
    print(f"{name:9} {statistics.median(rates):9.0f} sentences/s ({rates[0]:.0f} to {rates[-1]:.0f}), "
          f"right {right} ({right / len(rows):.4f})")
print(f"ratio {statistics.median(times['fasttext']) / statistics.median(times['athanor']):.2f}")
sys.exit(0 if same == len(rows) and apart < 1e-4 else 1)
