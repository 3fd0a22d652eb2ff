#!/usr/bin/env python3
"""Small fastText models and what fastText itself predicts with them: tests/fixtures/classic/.

Made with fasttext-wheel 0.9.2, and KenLM's lmplz (kpu/kenlm, master of 2025) for ngram.txt and its two models:
    PYTHONPATH=<fasttext, numpy> python3 tests/parity/make_classic_fixtures.py [LMPLZ]
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import fasttext

OUT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures", "classic")

VOWELS = {"lo": "ou", "hi": "ei", "mix": "aäo", "zh": "火炉丹药金"}
CASES = {
    # name: (train arguments, quantise arguments or None)
    "softmax": (dict(dim=6, loss="softmax", wordNgrams=2, bucket=200), None),
    "hs": (dict(dim=5, loss="hs", minn=1, maxn=3, bucket=150), None),
    "ova": (dict(dim=4, loss="ova"), None),
    "ns": (dict(dim=4, loss="ns", minn=2, maxn=3, bucket=100, neg=2), None),
    "pruned": (dict(dim=8, loss="hs", minn=2, maxn=4, bucket=5000, wordNgrams=2),
               dict(cutoff=400, qnorm=True, retrain=False)),
    "quantised": (dict(dim=7, loss="softmax", minn=2, maxn=3, bucket=300), dict(qout=False, qnorm=False)),
}
ODD = ["", " ", "a", "unseen words only", "\t tab\x0bvertical\x0cfeed\rreturn", "__label__lo in text", "__label__new x",
       "</s>", "naïve café ÄÖÜ", "火炉 丹药金", "x" * 300, "\u200b", "e\u0301", "🙂 🙂", "hehi\x00lolo"]


def make_fuzz_seeds():
    """Models of a few hundred bytes for fuzz/corpus/fasttext."""
    out = os.path.join(os.path.dirname(OUT), "..", "..", "fuzz", "corpus", "fasttext")
    os.makedirs(out, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("__label__a fire coal fire\n__label__b water rain\n__label__a coal\n__label__c salt\n" * 3)
        file.flush()
        for loss in ("softmax", "hs", "ova"):
            model = fasttext.train_supervised(file.name, dim=2, loss=loss, thread=1, epoch=1, verbose=0, minn=1,
                                              maxn=2 if loss != "ova" else 0, bucket=10,
                                              wordNgrams=2 if loss == "softmax" else 1)
            model.save_model(os.path.join(out, f"tiny-{loss}.bin"))
    shutil.copyfile(os.path.join(OUT, "pruned.ftz"), os.path.join(out, "pruned.ftz"))


def make_language_models(lmplz):
    """ngram.txt, and what lmplz makes of it: order 4, whole and pruned."""
    rng = random.Random(5)
    text = os.path.join(OUT, "ngram.txt")
    with open(text, "w", encoding="utf-8") as file:
        for _ in range(160):
            word, words = rng.randrange(12), []
            for _ in range(rng.randint(1, 9)):
                words.append("火炉丹药金木水土"[word] if word < 8 else f"w{word}")
                word = (word * 5 + rng.randrange(3) * rng.randrange(6)) % 30
            file.write(" ".join(words) + "\n")
    for name, prune in (("lmplz.arpa", ["0"]), ("lmplz-pruned.arpa", ["0", "0", "1", "2"])):
        subprocess.run([lmplz, "-o", "4", "-S", "1G", "--text", text, "--arpa", os.path.join(OUT, name),
                        "--discount_fallback", "--prune", *prune], check=True, capture_output=True)


def sentence(rng, label):
    words = []
    for _ in range(rng.randint(2, 8)):
        words.append("".join(rng.choice("bdghlnrst") + rng.choice(VOWELS[label]) for _ in range(rng.randint(1, 3))))
    return " ".join(words)


def main():
    os.makedirs(OUT, exist_ok=True)
    rng = random.Random(4)
    labels = sorted(VOWELS)
    rows = [(label, sentence(rng, label)) for _ in range(150) for label in labels if rng.random() < 0.9]
    texts = ODD + [text for _, text in rows[:25]]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("".join(f"__label__{label} {text}\n" for label, text in rows))
        file.flush()
        answers = []
        for name, (train, quantise) in CASES.items():
            model = fasttext.train_supervised(file.name, thread=1, epoch=5, lr=0.5, verbose=0, **train)
            if quantise is not None:
                model.quantize(file.name, **quantise)
            path = name + (".ftz" if quantise is not None else ".bin")
            model.save_model(os.path.join(OUT, path))
            for k, threshold in ((1, 0.0), (-1, 0.0), (3, 0.2)):
                for text in texts:
                    found = model.f.predict(text + "\n", k, threshold, "strict")
                    answers.append({"model": path, "text": text, "k": k, "threshold": threshold,
                                    "labels": [label.removeprefix("__label__") for _, label in found],
                                    "probabilities": [round(p, 6) for p, _ in found]})
    with open(os.path.join(OUT, "fasttext.jsonl"), "w", encoding="utf-8") as file:
        for answer in answers:
            file.write(json.dumps(answer, ensure_ascii=False) + "\n")
    make_fuzz_seeds()
    if len(sys.argv) > 1:
        make_language_models(sys.argv[1])


if __name__ == "__main__":
    main()
