#!/usr/bin/env python3
"""Writes tests/fixtures/token/models/<name>.json: small tokenizers of each kind of model and, in ids.json, what HF
tokenizers 0.23.3 gives with them for the texts of ../texts.json (short ones) and of this script.

    ATHANOR_DATA=... python3 tests/parity/make_token_model_fixtures.py     # needs: pip install tokenizers==0.23.3
"""
import json
import os
import random
import subprocess

import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "tests/fixtures/token/models")
DATA = os.environ["ATHANOR_DATA"]
MARKER = "\u2581"


def corpus():
    with open(os.path.join(DATA, "text/tinyshakespeare.txt"), encoding="utf-8") as file:
        lines = file.read().split("\n")[:5000]
    packed = os.path.join(DATA, "text/wagahaiwa_nekodearu-ja.txt.zst")
    japanese = subprocess.run(["zstd", "-dqc", packed], check=True, capture_output=True).stdout.decode()
    return lines + [line for line in japanese.split("\n") if len(line) > 5][:40]


def texts():
    with open(os.path.join(ROOT, "tests/fixtures/token/texts.json"), encoding="utf-8") as file:
        out = [text for text in json.load(file) if isinstance(text, str) and len(text) < 400]
    rng = random.Random(5)
    letters = "aeiost  nrlhdABC.,'\n\u2581\u00e9\u4e00\u3042\u0301\u302e\U0001d165\U0001f600>\u3000\u00a0\t"
    out += ["".join(rng.choice(letters) for _ in range(rng.randint(1, 80))) for _ in range(200)]
    return out + ["a" * 300, " " * 300, "\u4e00" * 120, "ab" * 200]


def word_piece(lines):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(lines, trainers.WordPieceTrainer(vocab_size=1500, special_tokens=["[UNK]"],
                                                                   show_progress=False))
    return tokenizer


def unigram(lines, split, fallback):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first" if split else "always")
    tokenizer.train_from_iterator(lines, trainers.UnigramTrainer(vocab_size=2000, special_tokens=["<unk>"],
                                                                 unk_token="<unk>", show_progress=False))
    value = json.loads(tokenizer.to_str())
    if fallback:
        value["model"]["byte_fallback"] = True
        value["model"]["vocab"] += [[f"<0x{byte:02X}>", 0.0] for byte in range(256)]
    return Tokenizer.from_str(json.dumps(value))


def bpe(lines, **settings):
    """As Llama 2's: the whole text is one piece, and spaces are markers."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", **settings))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARKER), normalizers.Replace(" ", MARKER)])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(MARKER, "merged_with_next")
    special = ["<unk>"] + ([f"<0x{byte:02X}>" for byte in range(256)] if settings.get("byte_fallback") else [])
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=1600, special_tokens=special,
                                                             show_progress=False))
    value = json.loads(tokenizer.to_str())
    value["pre_tokenizer"] = None
    value["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(value))


def affixed(lines):
    """As GPT-1's: words with a mark at their end."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", continuing_subword_prefix="##"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=1500, special_tokens=["<unk>"], end_of_word_suffix="</w>", continuing_subword_prefix="##",
        show_progress=False))
    return tokenizer


def main():
    lines = corpus()
    made = {"word_piece": word_piece(lines), "unigram": unigram(lines, True, False),
            "unigram_bytes": unigram(lines, False, True), "bpe_bytes": bpe(lines, byte_fallback=True, fuse_unk=True),
            "bpe_unknown": bpe(lines, fuse_unk=True), "bpe_affixed": affixed(lines)}
    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.train_from_iterator(lines, trainers.WordLevelTrainer(vocab_size=300, special_tokens=["[UNK]"],
                                                               show_progress=False))
    made["word_level"] = words
    os.makedirs(OUT, exist_ok=True)
    given = texts()
    ids = {"texts": given}
    for name, tokenizer in made.items():
        value = json.loads(tokenizer.to_str())
        with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, separators=(",", ":"))
        tokenizer.encode_special_tokens = True
        ids[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in given]
    with open(os.path.join(OUT, "ids.json"), "w", encoding="utf-8") as file:
        json.dump(ids, file, ensure_ascii=False, separators=(",", ":"))


main()
