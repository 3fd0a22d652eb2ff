#!/usr/bin/env python3
"""Writes tests/fixtures/token/: what HF tokenizers 0.23.3 gives, for athanor/token's parity tests.

    ATHANOR_DATA=... python3 tests/parity/make_token_fixtures.py     # needs: pip install tokenizers==0.23.3

texts.json          the texts (a list of strings; the long ones are given as {"repeat": s, "times": n})
<name>.json         tokenizers small enough to keep: trained here on tinyshakespeare and a little Chinese and code
ids.json            name -> list of ids per text (for the long ones: count and an FNV-1a digest)
The GPT-2, Qwen 3 and DeepSeek V3 vocabularies are read from ATHANOR_DATA and not kept here.
"""
import json
import os
import random
import subprocess
import sys

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "tests/fixtures/token")
DATA = os.environ["ATHANOR_DATA"]
END = "<|endoftext|>"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")


def unpacked(path):
    return subprocess.run(["zstd", "-dqc", os.path.join(DATA, path)], check=True, capture_output=True).stdout


def shakespeare():
    with open(os.path.join(DATA, "text/tinyshakespeare.txt"), encoding="utf-8") as file:
        return file.read()


def chinese(num):
    rows = unpacked("text/classical-modern-zh.jsonl.zst").decode().splitlines()[:num]
    return [" ".join(str(value) for value in json.loads(row).values()) for row in rows]


def random_text(rng, alphabet, length):
    return "".join(rng.choice(alphabet) for _ in range(length))


def texts():
    rng = random.Random(1)
    play = shakespeare()
    with open(os.path.join(DATA, "sft/code_alpaca_2k.json"), encoding="utf-8") as file:
        code = "\n".join(row["output"] for row in json.load(file)[:40])
    japanese = unpacked("text/wagahaiwa_nekodearu-ja.txt.zst").decode()
    out = ["", " ", "  ", "   ", "\n", " \n", "\n ", "\n\n\n", "\r\n", "\t\t", " \t ", "a", " a", "  a", "   a b",
           "a  ", "a   \n\n  b \r\n c\n", "\u00a0\u3000x", "x\u2003\u2003y", "x\u0085\u2028y", "\u200b\ufeff",
           "don't can't I'll we've they're he'd I'm it's", "DON'T CAN'T I'LL WE'VE THEY'RE HE'D I'M IT'S",
           "'s's's 'x ' 's'", "a'\u017fb '\u017f", "''' '' '", "'ll'LL'lL'l", "o'clock rock'n'roll l'homme",
           "1 12 123 1234 12345 1234567890 3.14159 1,000,000 \u00bd\u2167\u0667\u0662", "abc123def 456ghi",
           "Hello, world! How are you?", "!!!???...   ---___===", "$100 #tag @user a+b=c (x) [y] {z} <w>",
           "naïve café résumé Ærøskøbing Straße", "cafe\u0301 e\u0301\u0323 A\u030a \u212b \u1e9b\u0323",
           "\uac00\u1100\u1161\u11a8 \u4f60\u597d", "Привет, мир! Γειά σου Κόσμε שלום עולם مرحبا بالعالم नमस्ते",
           "你好，世界！今天天气不错。2023年12月31日", "吾輩は猫である。名前はまだ無い。", "안녕하세요 세계 ไทย ภาษา",
           "😀😃😄 👨‍👩‍👧‍👦 🇨🇳🏳️‍🌈 ☎️ ✈ a😀b", "𝒳𝓎𝓏 𠀀𠀁 \U0010ffff \U000e0001",
           "\x00\x01\x02\x7f \x1b[0m", "def f(x):\n    return x ** 2  # comment\n\n\nclass A:\n\tpass\n",
           "<html>\n  <p class=\"a\">&amp;</p>\n</html>", "https://example.com/a?b=c&d=e#f me@example.com",
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
           "supercalifragilisticexpialidocious antidisestablishmentarianism", play[:3000], play[500000:503000],
           japanese[:1500], chinese(12)[-1], code[:2500]]
    out += chinese(10)
    for alphabet in ("ab ", "aA1 '\n\r\tsS", "éñ中あ한 1!\n😀\u0301\u00a0'tT", "'sStTmMdDrReEvVlL \u017f",
                     "\n\r \t\u2028.,;!a1", "01234567 \u00bd٣ab"):
        out += [random_text(rng, alphabet, rng.randint(1, 60)) for _ in range(25)]
    assigned = "".join(chr(c) for c in range(0x20, 0x3000) if not 0xd800 <= c < 0xe000)
    out += [random_text(rng, assigned, 40) for _ in range(40)]
    long = [{"repeat": "a", "times": 1000000}, {"repeat": " ", "times": 100000}, {"repeat": "中", "times": 100000},
            {"repeat": "ab", "times": 50000}, {"repeat": "\n ", "times": 30000}, {"repeat": "!?", "times": 30000},
            {"repeat": "7", "times": 30000}]
    return out, long


def drop_new(text):
    """Code points that came after Unicode 15.0, or whose normal form the crate's older tables lack, are left out."""
    import unicodedata
    return "".join(c for c in text if unicodedata.category(c) != "Cn" or ord(c) > 0xe0000)


def frame(tokenizer, kind):
    if kind == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    else:
        regex = {"llama3": LLAMA3, "qwen2": QWEN2}[kind]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(regex), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_bpe(kind, vocab_size, corpus, min_frequency=2):
    tokenizer = frame(Tokenizer(models.BPE()), kind)
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=vocab_size, min_frequency=min_frequency, special_tokens=[END], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def train_chars(corpus):
    """The character tokenizer as athanor writes it: specials first, then the sorted code points."""
    vocab = {token: i for i, token in enumerate(["<unk>", END] + sorted(set(corpus)))}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(["<unk>", END])
    return tokenizer


def gpt2():
    with open("/tmp/athanor-gpt2-vocab.json", "wb") as file:
        file.write(unpacked("tokenizers/gpt2/encoder.json.zst"))
    model = models.BPE.from_file("/tmp/athanor-gpt2-vocab.json", os.path.join(DATA, "tokenizers/gpt2/vocab.bpe"))
    tokenizer = frame(Tokenizer(model), "gpt2")
    tokenizer.add_special_tokens([END])
    return tokenizer


def digest(ids):
    value = 0xcbf29ce484222325
    for each in ids:
        value = ((value ^ each) * 0x100000001b3) & 0xffffffffffffffff
    return f"{value:016x}"


def main():
    os.makedirs(OUT, exist_ok=True)
    play = shakespeare()
    corpus = [play[:60000]] + chinese(40)
    named = {"gpt2_600": train_bpe("gpt2", 600, corpus), "llama3_600": train_bpe("llama3", 600, corpus),
             "qwen2_500": train_bpe("qwen2", 500, corpus), "chars": train_chars(play[:60000] + "你好\n é"),
             "gpt2": gpt2(), "qwen3": Tokenizer.from_str(unpacked("tokenizers/qwen3/tokenizer.json.zst").decode()),
             "deepseek_v3": Tokenizer.from_str(unpacked("tokenizers/deepseek_v3/tokenizer.json.zst").decode())}
    short, long = texts()
    short = [drop_new(text) for text in short]
    ids = {}
    for name, tokenizer in named.items():
        if name not in ("gpt2", "qwen3", "deepseek_v3"):
            tokenizer.save(os.path.join(OUT, name + ".json"), pretty=False)
        rows = [tokenizer.encode(text, add_special_tokens=False).ids for text in short]
        for row, text in zip(rows, short):
            if not isinstance(tokenizer.model, models.WordLevel) and tokenizer.normalizer is None:
                assert tokenizer.decode(row) == text, (name, text)
        for spec in long:
            row = tokenizer.encode(spec["repeat"] * spec["times"], add_special_tokens=False).ids
            rows.append({"count": len(row), "digest": digest(row)})
        ids[name] = rows
    dump = dict(ensure_ascii=True, separators=(",", ":"))
    with open(os.path.join(OUT, "texts.json"), "w") as file:
        json.dump(short + long, file, **dump)
    with open(os.path.join(OUT, "ids.json"), "w") as file:
        json.dump(ids, file, **dump)
    with open(os.path.join(OUT, "corpus.json"), "w") as file:
        json.dump(corpus, file, **dump)
    print({name: t.get_vocab_size() for name, t in named.items()}, len(short), "texts")


if len(sys.argv) > 2 and sys.argv[1] == "check":
    # check FILE: loads a tokenizer.json of ours with HF tokenizers, prints digests of the ids of the short texts.
    theirs = Tokenizer.from_file(sys.argv[2])
    print(digest([i for text in map(drop_new, texts()[0]) for i in theirs.encode(text, add_special_tokens=False).ids]))
else:
    main()
