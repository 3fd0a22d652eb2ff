"""n-gram language models: our trainer and our queries, against KenLM.

  ATHANOR_DATA=<data> PYTHONPATH=<kenlm> python3 bench/ngram.py build/classic_tests [--rounds 5] [--lmplz PATH]

Order 5 on text/classics-en (a line a sentence), scored on wikitext-2.valid. Our ARPA file is read by KenLM, and every
line's score compared with ours. Speed is processor time of one thread. KenLM's own score() through Python costs mostly
the split of the line in C++; it is called line by line. With --lmplz, KenLM's trainer runs on the same text, and its
ARPA file must hold the same n-grams with the same weights.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import kenlm

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--lmplz")
parser.add_argument("--bytes", type=int, default=20_000_000, help="of training text")
args = parser.parse_args()
data = pathlib.Path(os.environ["ATHANOR_DATA"]) / "text"


def unpacked(name):
    return subprocess.run(["zstd", "-dc", data / name], check=True, capture_output=True).stdout.decode()


def clean(lines):
    return [" ".join(line.split()) for line in lines if line.split()]


def arpa(path):
    """{n-gram: (log10 p, backoff)}"""
    grams = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if len(fields) >= 2:
                grams[fields[1]] = (float(fields[0]), float(fields[2]) if len(fields) > 2 else 0.0)
    return grams


def median(values, size):
    rates = sorted(size / value / 1e6 for value in values)
    return f"{statistics.median(rates):.1f} MB/s ({rates[0]:.1f} to {rates[-1]:.1f})"


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    train = clean("\n".join(json.loads(row)["text"] for row in unpacked("classics-en.jsonl.zst").splitlines()).split("\n"))
    train = ("\n".join(train) + "\n").encode()[: args.bytes].decode(errors="ignore").rpartition("\n")[0] + "\n"
    test = clean(unpacked("wikitext-2.valid.txt.zst").replace("<unk>", "unk").split("\n"))
    (folder / "train.txt").write_text(train, encoding="utf-8")
    (folder / "test.txt").write_text("\n".join(test) + "\n", encoding="utf-8")
    train_bytes, test_bytes = len(train.encode()), len("\n".join(test).encode())
    times = {"train": [], "score": [], "score_small": [], "kenlm score": [], "lmplz": []}
    for _ in range(args.rounds):
        out = subprocess.run([args.binary, "--gtest_filter=NgramBench.*"], check=True, capture_output=True, text=True,
                             env={**os.environ, "ATHANOR_NGRAM_DIR": str(folder)}).stdout
        for line in out.split("\n"):
            if line.split(" ")[0] in times:
                times[line.split(" ")[0]].append(float(line.split()[1]))
        model = kenlm.Model(str(folder / "ours.arpa"))
        begin = time.process_time()
        theirs = [model.score(line) for line in test]
        times["kenlm score"].append(time.process_time() - begin)
        if args.lmplz:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([args.lmplz, "-o", "5", "-S", "1G", "-T", str(folder), "--text", str(folder / "train.txt"),
                            "--arpa", str(folder / "lmplz.arpa"), "--discount_fallback"], check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times["lmplz"].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f"train {train_bytes / 1e6:.1f} MB, test {test_bytes / 1e6:.2f} MB, {len(test)} lines")
    for name, values in times.items():
        if values:
            print(f"{name:12} {median(values, train_bytes if name in ('train', 'lmplz') else test_bytes)}")
    print("\n".join(line for line in out.split("\n") if line.startswith("write")))
    ours = [float(line) for line in (folder / "whole.scores").read_text().split()]
    small = [float(line) for line in (folder / "small.scores").read_text().split()]
    apart = max(abs(a - b) / max(1, abs(b)) for a, b in zip(ours, theirs))
    print(f"largest relative difference of a line's score to KenLM's on the same ARPA file: {apart:.2e}; quantised "
          f"{max(abs(a - b) / max(1, abs(b)) for a, b in zip(small, theirs)):.2e}")
    if args.lmplz:
        a, b = arpa(folder / "ours.arpa"), arpa(folder / "lmplz.arpa")
        both = a.keys() & b.keys()
        print(f"n-grams: ours {len(a)}, lmplz {len(b)}, shared {len(both)}; largest difference of p "
              f"{max(abs(a[g][0] - b[g][0]) for g in both):.2e}, of backoff {max(abs(a[g][1] - b[g][1]) for g in both):.2e}")
    sys.exit(0 if apart < 1e-4 else 1)
