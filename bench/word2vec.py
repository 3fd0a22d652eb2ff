"""Word2Vec: Athanor against gensim on the English classics; the same words, size 100, window 5, 5 negatives, 5 epochs, sample
1e-3, the same threads; rounds interleaved, each with a seed of its own. gensim reads the file itself (corpus_file, its fastest way).

Quality, on a copy of the text with planted pairs: --pairs words of middling frequency are each written as one of two new words,
by a coin. The two are used alike, so each should be among the words nearest to the other (pseudo-words: Gale, Church, Yarowsky
1992; Schuetze 1992). Told: the share of planted words whose twin is the nearest, and is among the 10 nearest. And the agreement
of the 10 nearest of the 1,000 most frequent words: gensim with gensim at another seed, Athanor with gensim, Athanor with Athanor.

  PYTHONPATH=<gensim> python3 bench/word2vec.py build/feature_speed $ATHANOR_DATA [--rounds 3] [--megabytes 12] [--threads 2]
"""
import argparse
import collections
import json
import pathlib
import random
import re
import statistics
import subprocess
import tempfile
import time

import gensim
import numpy as np
from gensim.models import Word2Vec

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("data", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=3, help="at least 2: agreement is between seeds")
parser.add_argument("--megabytes", type=float, default=12)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--pairs", type=int, default=200)
parser.add_argument("--methods", nargs="+", default=["cbow", "skip_gram"])
args = parser.parse_args()


def sentences():
    packed = subprocess.run(["zstd", "-dcq", args.data / "text/classics-en.jsonl.zst"], check=True, capture_output=True).stdout
    size = 0
    for line in packed.decode().split("\n"):
        if not line or size > args.megabytes * 1e6:
            return
        text = json.loads(line)["text"]
        size += len(text)
        for sentence in re.split(r"(?<=[.!?;])\s|\n\s*\n", text):
            words = re.findall("[a-z]+", sentence.lower())
            if len(words) > 1:
                yield words


def plant(all_sentences):
    """Every planted word becomes word__a or word__b. Frequencies of 200 to 2,000: neither rare nor a function word."""
    counts = collections.Counter(word for words in all_sentences for word in words)
    chance = random.Random(1)
    middling = sorted(word for word, count in counts.items() if 200 <= count <= 2000)
    planted = set(chance.sample(middling, min(args.pairs, len(middling))))
    return planted, [[word + chance.choice(("__a", "__b")) if word in planted else word for word in words] for words in all_sentences]


def nearest(words, vectors, asked, count=10):
    place = {word: i for i, word in enumerate(words)}
    unit = vectors / np.maximum(1e-9, np.linalg.norm(vectors, axis=1, keepdims=True))
    out = {}
    for word in asked:
        if word in place:
            cosines = unit @ unit[place[word]]
            cosines[place[word]] = -2
            best = np.argpartition(-cosines, count)[:count]
            out[word] = [words[i] for i in best[np.argsort(-cosines[best])]]
    return out


def ours(path, method, seed):
    with tempfile.NamedTemporaryFile("r", suffix=".txt") as out:
        run = subprocess.run([args.binary, "word2vec", path, method, str(seed), str(args.threads), out.name], check=True,
                             capture_output=True, text=True)
        lines = [line.rstrip("\n").split(" ") for line in out]
    result = json.loads(run.stdout)
    return [line[0] for line in lines], np.array([line[1:] for line in lines], dtype=np.float32), result["train"], result["cpu"]


def theirs(path, method, seed):
    model = Word2Vec(vector_size=100, window=5, min_count=5, negative=5, sample=1e-3, epochs=5, workers=args.threads,
                     sg=int(method == "skip_gram"), seed=seed)
    model.build_vocab(corpus_file=path)
    begin, cpu = time.perf_counter(), time.process_time()
    model.train(corpus_file=path, total_examples=model.corpus_count, total_words=model.corpus_total_words, epochs=5)
    return model.wv.index_to_key, model.wv.vectors, time.perf_counter() - begin, time.process_time() - cpu


def agreement(a, b):
    return statistics.mean(len(set(a[word]) & set(b[word])) / len(a[word]) for word in a if word in b)


planted, text = plant(list(sentences()))
tokens = sum(map(len, text))
frequent = [word for word, _ in collections.Counter(word for words in text for word in words).most_common(1000)]
twins = {word + mine: word + other for word in planted for mine, other in (("__a", "__b"), ("__b", "__a"))}
print(f"gensim {gensim.__version__}, {tokens} words, {len(planted)} planted pairs, {args.threads} threads\n")
print("| method | Athanor, words/s | gensim, words/s | ratio (spread) | ratio of CPU seconds | twin nearest, Athanor | gensim | "
      "twin among 10, Athanor | gensim | agreement gensim-gensim | Athanor-gensim | Athanor-Athanor |")
print("|---|---|---|---|---|---|---|---|---|---|---|---|")
with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
    file.write("\n".join(" ".join(words) for words in text))
    file.flush()
    for method in args.methods:
        runs = {"ours": [], "theirs": []}
        for seed in range(1, args.rounds + 1):
            for name, train in (("ours", ours), ("theirs", theirs)):
                words, vectors, seconds, cpu = train(file.name, method, seed)
                near = nearest(words, vectors, list(twins) + frequent)
                first = statistics.mean(near[word][0] == twin for word, twin in twins.items())
                ten = statistics.mean(twin in near[word] for word, twin in twins.items())
                runs[name].append((seconds, cpu, first, ten, {word: near[word] for word in frequent}))
        ratios = [b[0] / a[0] for a, b in zip(runs["ours"], runs["theirs"])]
        cpu = statistics.median(b[1] / a[1] for a, b in zip(runs["ours"], runs["theirs"]))

        def share(name, which):
            values = [run[which] for run in runs[name]]
            return f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"
        lists = {name: [run[4] for run in runs[name]] for name in runs}

        def among(a, b):
            return statistics.mean(agreement(x, y) for i, x in enumerate(lists[a]) for j, y in enumerate(lists[b]) if a != b or i < j)
        speed = {name: 5 * tokens / statistics.median(run[0] for run in runs[name]) for name in runs}
        print(f"| {method} | {speed['ours']:,.0f} | {speed['theirs']:,.0f} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
              f"{max(ratios):.2f}) | {cpu:.2f} | {share('ours', 2)} | {share('theirs', 2)} | {share('ours', 3)} | {share('theirs', 3)} | "
              f"{among('theirs', 'theirs'):.3f} | {among('ours', 'theirs'):.3f} | {among('ours', 'ours'):.3f} |", flush=True)
