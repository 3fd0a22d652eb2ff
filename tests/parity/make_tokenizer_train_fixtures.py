#!/usr/bin/env python3
"""Writes tests/fixtures/token/train/: what HF tokenizers 0.23.3 and SentencePiece 0.2.3 train on one small corpus.

    python3 tests/parity/make_tokenizer_train_fixtures.py    # needs: pip install tokenizers==0.23.3 sentencepiece==0.2.3

The corpus is tests/fixtures/token/corpus.json (make_token_fixtures.py). hf.json: name -> {"vocab", "merges"};
sentencepiece.json: name -> [[piece, score], ...]. WordPiece's ids differ from run to run in HF itself (its hash map's
order); the test takes the symbols' order from the fixture.
"""
import json
import os
import tempfile

import sentencepiece
import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

assert tokenizers.__version__ == "0.23.3" and sentencepiece.__version__ == "0.2.3"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "tests/fixtures/token/train")
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def hf(corpus, model, trainer, cut, normalizer=None):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = cut
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(corpus, trainer)
    saved = json.loads(tokenizer.to_str())["model"]
    return {"vocab": saved["vocab"], "merges": saved.get("merges", [])}


def pieces(lines, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "text")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        sentencepiece.SentencePieceTrainer.train(input=path, model_prefix=path, max_sentence_length=1 << 20, num_threads=1,
                                                 minloglevel=2, **options)
        with open(path + ".vocab", encoding="utf-8") as file:
            return [[row.split("\t")[0], float(row.split("\t")[1])] for row in file.read().split("\n")[:-1]]


def main():
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(ROOT, "tests/fixtures/token/corpus.json"), encoding="utf-8") as file:
        corpus = json.load(file)
    lines = [line for text in corpus for line in text.split("\n")]
    quiet = {"show_progress": False}
    trained = {
        "characters": hf(corpus, models.BPE(unk_token="<unk>"), trainers.BpeTrainer(
            vocab_size=1500, min_frequency=2, special_tokens=["<unk>"], **quiet), pre_tokenizers.Whitespace()),
        "short": hf(corpus, models.BPE(unk_token="<unk>"), trainers.BpeTrainer(
            vocab_size=1500, special_tokens=["<unk>"], max_token_length=4, initial_alphabet=["ß", "€"], **quiet),
            pre_tokenizers.WhitespaceSplit()),
        "wordpiece": hf(corpus, models.WordPiece(unk_token="[UNK]"), trainers.WordPieceTrainer(
            vocab_size=2500, special_tokens=BERT, **quiet), pre_tokenizers.BertPreTokenizer(),
            normalizers.BertNormalizer(lowercase=True)),
        "suffix": hf(corpus, models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), trainers.BpeTrainer(
            vocab_size=2500, special_tokens=["<unk>"], end_of_word_suffix="</w>", **quiet), pre_tokenizers.Whitespace())}
    made = {
        "bpe": pieces(lines, model_type="bpe", vocab_size=1500, normalization_rule_name="nmt_nfkc"),
        "bpe_bytes": pieces(lines, model_type="bpe", vocab_size=1500, normalization_rule_name="identity",
                            byte_fallback=True, character_coverage=0.98, split_digits=True),
        "unigram": pieces(lines, model_type="unigram", vocab_size=1500, normalization_rule_name="nmt_nfkc"),
        "unigram_identity": pieces(lines, model_type="unigram", vocab_size=2000, character_coverage=1.0,
                                   normalization_rule_name="identity")}
    for name, value in (("hf", trained), ("sentencepiece", made)):
        with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
    print({name: len(value) for name, value in made.items()}, {name: len(v["vocab"]) for name, v in trained.items()})


main()
