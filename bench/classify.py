"""fastText classifiers trained here and by fastText on the same split: accuracy, seconds, and whether fastText reads ours.

  ATHANOR_DATA=<data> PYTHONPATH=<fasttext, numpy> python3 bench/classify.py build/classic_tests [--seeds 3] [--only langid]

Tasks: langid (sentences.tsv, 79 languages), ag_news, sst2, thucnews titles by characters. A row is a test row when the
first byte of the MD5 of its text is below 51 (20 %); sst2 has its own split. Both sides get the same files and the same
settings; fastText runs with thread=1, so that processor seconds compare.
"""
import argparse
import csv
import hashlib
import io
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import fasttext

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--seeds", type=int, default=3)
parser.add_argument("--only", default="")
args = parser.parse_args()
data = pathlib.Path(os.environ["ATHANOR_DATA"])


def unpacked(path):
    return subprocess.run(["zstd", "-dc", data / path], check=True, capture_output=True).stdout.decode()


def by_hash(rows):
    test = [row for row in rows if hashlib.md5(row[1].encode()).digest()[0] < 51]
    return [row for row in rows if hashlib.md5(row[1].encode()).digest()[0] >= 51], test


def tsv(path, flip):
    rows = [line.rsplit("\t", 1) for line in (data / path).read_text(encoding="utf-8").splitlines() if "\t" in line]
    return [(b, a) if flip else (a, b) for a, b in rows]


def characters(text):
    return " ".join(c for c in text if not c.isspace())


def tasks():
    news = csv.reader(io.StringIO(unpacked("classify/ag_news.test.csv.zst")))
    yield "langid", *by_hash([tuple(line.split("\t", 1)) for line in
                              unpacked("langid/sentences.tsv.zst").removesuffix("\n").split("\n")]), \
        dict(dim=16, minn=1, maxn=4, bucket=200000, loss="softmax", lr=0.5, epoch=10)
    yield "ag_news", *by_hash([(row[0], " ".join(row[1:])) for row in news]), \
        dict(dim=32, wordNgrams=2, bucket=200000, lr=0.5, epoch=10)
    yield "sst2", tsv("classify/sst2.train.tsv", True), tsv("classify/sst2.dev.tsv", True), \
        dict(dim=32, wordNgrams=2, bucket=200000, lr=0.5, epoch=5)
    yield "thucnews", *by_hash([(label, characters(text)) for label, text in
                                tsv("classify/thucnews-titles.dev.txt", True)]), \
        dict(dim=32, wordNgrams=2, bucket=200000, lr=0.5, epoch=10)


def accuracy(model, test):
    found = model.f.multilinePredict([" ".join(text.split()) + "\n" for _, text in test], 1, 0.0, "strict")[0]
    return sum(bool(labels) and labels[0] == "__label__" + row[0] for labels, row in zip(found, test)) / len(test)


def show(values):
    return f"{statistics.median(values):.4f} ({min(values):.4f} to {max(values):.4f})"


for name, train, test, settings in tasks():
    if args.only and name not in args.only.split(","):
        continue
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        order = sorted(train, key=lambda row: hashlib.md5((row[1] + "x").encode()).digest())  # shuffled
        (folder / "train.txt").write_text("".join(f"__label__{label} {' '.join(text.split())}\n" for label, text in order),
                                          encoding="utf-8")
        (folder / "test.txt").write_text("".join(f"__label__{label} {' '.join(text.split())}\n" for label, text in test),
                                         encoding="utf-8")
        ours, small, theirs, seconds, their_seconds, same = [], [], [], [], [], []
        for seed in range(1, args.seeds + 1):
            env = {**os.environ, "ATHANOR_CLASSIFY_DIR": str(folder),
                   "ATHANOR_CLASSIFY": json.dumps({**settings, "seed": seed})}
            out = subprocess.run([args.binary, "--gtest_filter=ClassifyBench.*"], check=True, capture_output=True,
                                 text=True, env=env).stdout
            result = json.loads(next(line for line in out.split("\n") if line.startswith("{")))
            seconds.append(result["seconds"])
            ours.append(result["accuracy"])
            small.append(result["accuracy_quantised"])
            begin = time.process_time()
            model = fasttext.train_supervised(str(folder / "train.txt"), thread=1, seed=seed, verbose=0, **settings)
            their_seconds.append(time.process_time() - begin)
            theirs.append(accuracy(model, test))
            same.append(max(abs(accuracy(fasttext.load_model(str(folder / file)), test) - result[key])
                            for file, key in (("model.bin", "accuracy"), ("model.ftz", "accuracy_quantised"))))
        print(f"{name:9} {len(train)} + {len(test)} rows; accuracy: ours {show(ours)}, quantised {show(small)} "
              f"({result['bytes_quantised'] / result['bytes']:.3f} of the bytes), fastText {show(theirs)}; seconds: ours "
              f"{show(seconds)}, fastText {show(their_seconds)}; fastText reads our files with accuracies that differ by "
              f"at most {max(same):.1e}", flush=True)
