#!/usr/bin/env python3
"""Writes tests/fixtures/token/files/: small tokenizer files of every foreign format, with the ids that their own
libraries give, for athanor/token/file's tests; and tests/fixtures/data/tiny.gguf for athanor/data/gguf.

    ATHANOR_DATA=... python3 tests/parity/make_token_file_fixtures.py
    # needs: pip install sentencepiece==0.2.3 tiktoken==0.14.0 tokenizers==0.23.3 gguf==0.19.0 numpy

texts.json      the texts
<name>.model    SentencePiece models of every kind, trained here on the fixtures' own texts
*.tiktoken      a rank file
vocab.txt       a WordPiece trained here (HF breaks ties as it likes: made anew, it differs, and ids.json with it)
*.gguf          vocabularies as the gguf package writes them
ids.json        name -> ids per text, by sentencepiece, tiktoken and tokenizers
data.json       model -> file of ATHANOR_DATA -> [ids, their FNV-1a digest], line by line: the data's own models
"""
import base64
import io
import json
import os
import random
import subprocess

import gguf
import numpy
import sentencepiece
import tiktoken
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

assert tokenizers.__version__ == "0.23.3" and sentencepiece.__version__ == "0.2.3"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BASE = os.path.join(ROOT, "tests/fixtures/token")
OUT = os.path.join(BASE, "files")
SPACE = "\u2581"
RULES = [("Ａ", "A"), ("Ｂ", "B"), ("１", "1"), ("\u3000", " "), ("\t", " "), ("\n", " "), ("ﬁ", "fi"), ("e\u0301", "é"),
         ("ｶﾞ", "ガ"), ("ｶ", "カ"), ("\u1112\u1161\u11ab", "한"), ("\u00a8", " \u0308"), ("①", "1"), ("\u200b", "")]
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
          r"|\s+(?!\S)|\s")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
R50K = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
PARTS = [" ", "  ", SPACE, "a", "b", "the ", "<sep>", "<cls>", "日", "本", "\n", "é", "e\u0301", "ﬁ", "１", "Ａ", "<s>",
         "\u3000", "<end>", SPACE * 3, ".", "!!", "1", "23", "<0x0A>", '"""', "'s", "ｶﾞ", "\u1112\u1161\u11ab", "Hello",
         "\t", "ﬁ\u0301", "\u200b", "😀", "HTTP", "of", "</s>", "<unk>", "x"]


def make_texts():
    texts = ["", "a", " ", "  ", "   a  b   ", "Hello world", SPACE, SPACE * 2, "a" + SPACE, "<s> </s> <unk>", "<0x41>",
             "a\nb\n  ", "한국어 \u1112\u1161\u11ab", " <sep> a", "<sep><cls>x", "[x.y] a [x.y]", '"""doc"""',
             "<start_of_turn>user\n\nhi<end>\n", "1234567", "😀 👍🏽 👨‍👩‍👧", "x \u00a8", "\u00a8", "İstanbul ſ ß ẞ ΑΣ.",
             "it's IT'S don't HTTPRequest fooBar", "a\r\n \r\n", "日本 語", "unbelievable déjà vu, naïve!"]
    with open(os.path.join(BASE, "texts.json"), encoding="utf-8") as file:
        texts += [text for text in json.load(file) if isinstance(text, str) and len(text) < 400][:120]
    rng = random.Random(5)
    for _ in range(300):
        texts.append("".join(rng.choice(PARTS) for _ in range(rng.randint(1, 10))))
    return [text for text in texts if "\0" not in text]


def corpus():
    """English and Chinese sentences: the vocabulary of a fixture tokenizer, put together at random."""
    with open(os.path.join(BASE, "gpt2_600.json"), encoding="utf-8") as file:
        words = [t.replace("Ġ", "") for t in json.load(file)["model"]["vocab"] if t.replace("Ġ", "").isascii()]
    words = [w for w in words if w.isalpha()] + ["日本", "語", "床前明月光", "疑是地上霜", "Hello", "world", "(", ")", "12"]
    rng = random.Random(7)
    return [" ".join(rng.choice(words) for _ in range(12)) + "." for _ in range(1500)]


def train_sentencepiece(lines):
    rules = os.path.join(OUT, "rules.tsv")
    with open(rules, "w", encoding="utf-8") as file:
        for source, target in RULES:
            line = " ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target)
            file.write(line + "\n")

    def train(name, rule=True, **options):
        writer = io.BytesIO()
        options = {**dict(vocab_size=300, character_coverage=0.9995, minloglevel=2, hard_vocab_limit=False), **options}
        if rule:
            options["normalization_rule_tsv"] = rules
        else:
            options["normalization_rule_name"] = "identity"
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=writer, num_threads=1,
                                                 **options)
        with open(os.path.join(OUT, name + ".model"), "wb") as file:
            file.write(writer.getvalue())

    train("unigram", model_type="unigram", pad_id=3)
    train("unigram_bytes", rule=False, model_type="unigram", byte_fallback=True, remove_extra_whitespaces=False,
          vocab_size=560)
    train("unigram_user", model_type="unigram", user_defined_symbols=["<sep>", "<cls>", "[x.y]", '"""'])
    train("bpe", model_type="bpe")
    train("bpe_bytes", rule=False, model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False,
          allow_whitespace_only_pieces=True, split_digits=True, vocab_size=560)
    train("bpe_user", rule=False, model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False,
          add_dummy_prefix=False, vocab_size=560,
          user_defined_symbols=["<start_of_turn>", "<end>", "\n", "\n\n", SPACE * 2, SPACE * 3])
    train("char", model_type="char", vocab_size=120)
    train("word", model_type="word", vocab_size=200)
    os.remove(rules)


def byte_of_character():
    known = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table = {chr(b): b for b in known}
    extra = [b for b in range(256) if b not in known]
    table.update({chr(256 + i): b for i, b in enumerate(extra)})
    return table


def make_tiktoken(texts, ids):
    with open(os.path.join(BASE, "gpt2_600.json"), encoding="utf-8") as file:
        vocab = json.load(file)["model"]["vocab"]
    table = byte_of_character()
    tokens = [token for token, _ in sorted(vocab.items(), key=lambda item: item[1]) if token != "<|endoftext|>"]
    ranks = {bytes(table[c] for c in token): rank for rank, token in enumerate(tokens)}
    with open(os.path.join(OUT, "ranks.tiktoken"), "w", encoding="ascii") as file:
        for token, rank in ranks.items():
            file.write(base64.b64encode(token).decode() + f" {rank}\n")
    for name, pattern in [("r50k", R50K), ("cl100k", CL100K), ("o200k", O200K)]:
        encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        ids["tiktoken_" + name] = [encoding.encode_ordinary(text) for text in texts]


def make_bert(lines, texts, ids):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.train_from_iterator(lines, trainer)
    vocab = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    with open(os.path.join(OUT, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("".join(token + "\n" for token, _ in vocab))
    tokenizer.encode_special_tokens = True
    ids["bert"] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    writer = gguf.GGUFWriter(os.path.join(OUT, "bert.gguf"), "bert")
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("jina-v2-en")
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    writer.add_token_list([t if t in special else t[2:] if t.startswith("##") else SPACE + t for t, _ in vocab])
    writer.add_token_types([3 if t in special else 1 for t, _ in vocab])
    writer.add_unk_token_id(1)
    close(writer)


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_gguf(texts, ids):
    with open(os.path.join(BASE, "llama3_600.json"), encoding="utf-8") as file:
        source = json.load(file)
    vocab = sorted(source["model"]["vocab"].items(), key=lambda item: item[1])
    writer = gguf.GGUFWriter(os.path.join(OUT, "llama_bpe.gguf"), "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    tokens = [token for token, _ in vocab] + ["<|begin|>", "  x", "<|end_of_text|>"]
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(vocab) + [3, 4, 3])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in source["model"]["merges"]])
    writer.add_bos_token_id(len(vocab))
    writer.add_eos_token_id(len(vocab) + 2)
    writer.add_chat_template("{{ messages }}")
    close(writer)
    source["model"]["ignore_merges"] = True
    tokenizer = Tokenizer.from_str(json.dumps(source))
    tokenizer.add_tokens([tokenizers.AddedToken("  x", normalized=False)])
    renumbered = {tokenizer.token_to_id("  x"): len(vocab) + 1}
    tokenizer.encode_special_tokens = True
    ids["llama_bpe"] = [[renumbered.get(i, i) for i in tokenizer.encode(text, add_special_tokens=False).ids]
                        for text in texts]
    for name in ["bpe_bytes", "unigram"]:
        model = sentencepiece.SentencePieceProcessor(model_file=os.path.join(OUT, name + ".model"))
        writer = gguf.GGUFWriter(os.path.join(OUT, name + ".gguf"), "llama" if name == "bpe_bytes" else "t5")
        writer.add_tokenizer_model("llama" if name == "bpe_bytes" else "t5")
        count = model.get_piece_size()
        writer.add_token_list([model.id_to_piece(i) for i in range(count)])
        writer.add_token_scores([model.get_score(i) for i in range(count)])
        kinds = [(model.is_unknown, 2), (model.is_control, 3), (model.is_unused, 5), (model.is_byte, 6)]
        writer.add_token_types([next((kind for check, kind in kinds if check(i)), 1) for i in range(count)])
        writer.add_unk_token_id(0)
        writer.add_add_bos_token(False)
        writer.add_add_eos_token(False)
        writer.add_add_space_prefix(True)
        writer.add_remove_extra_whitespaces(name == "unigram")
        if name == "unigram":
            proto = sentencepiece_model_pb2.ModelProto()
            with open(os.path.join(OUT, name + ".model"), "rb") as file:
                proto.ParseFromString(file.read())
            writer.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)
        close(writer)


def make_container():
    """Every type of value, an array of each, and tensors."""
    folder = os.path.join(ROOT, "tests/fixtures/data")
    os.makedirs(folder, exist_ok=True)
    writer = gguf.GGUFWriter(os.path.join(folder, "tiny.gguf"), "llama")
    writer.add_uint8("a.u8", 200)
    writer.add_int8("a.i8", -100)
    writer.add_uint16("a.u16", 60000)
    writer.add_int16("a.i16", -30000)
    writer.add_uint32("a.u32", 4000000000)
    writer.add_int32("a.i32", -2000000000)
    writer.add_uint64("a.u64", 2**63)
    writer.add_int64("a.i64", -2**62)
    writer.add_float32("a.f32", 0.5)
    writer.add_float64("a.f64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_string("a.string", "Wort \u00fc")
    writer.add_array("a.strings", ["x", "", "日"])
    writer.add_array("a.ints", [1, -2, 3])
    writer.add_array("a.floats", [0.25, -1.5])
    writer.add_array("a.bools", [True, False])
    writer.add_array("a.nested", [[1, 2], [3]])
    writer.add_tensor("matrix", numpy.arange(12, dtype=numpy.float32).reshape(3, 4))
    writer.add_tensor("halves", numpy.arange(5, dtype=numpy.float16))
    quantised = gguf.quants.quantize(numpy.linspace(-1, 1, 64, dtype=numpy.float32).reshape(2, 32),
                                     gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("blocks", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    close(writer)


def make_data():
    """The models of ATHANOR_DATA over its texts; a line is a text."""
    data = os.environ["ATHANOR_DATA"]
    files = ["text/tinyshakespeare.txt", "text/wikitext-2.test.txt.zst", "text/wagahaiwa_nekodearu-ja.txt.zst",
             "text/tang-poems-zh.jsonl.zst", "conformance/utf8-all-assigned.txt"]
    out = {}
    for name in ["test_model", "test_ja_model"]:
        path = os.path.join(data, f"tokenizers/sentencepiece/{name}.model")
        model = sentencepiece.SentencePieceProcessor(model_file=path)
        for file in files:
            path = os.path.join(data, file)
            text = subprocess.run(["zstd", "-dqcf", path], check=True, capture_output=True).stdout
            count, digest = 0, 0xcbf29ce484222325
            for line in text.split(b"\n"):
                for i in model.encode(line.decode()):
                    digest = (digest ^ i) * 0x100000001b3 % 2**64
                    count += 1
            out.setdefault(name, {})[file] = [count, f"{digest:016x}"]
    with open(os.path.join(OUT, "data.json"), "w", encoding="utf-8") as file:
        json.dump(out, file, indent=1)


def main():
    os.makedirs(OUT, exist_ok=True)
    texts = make_texts()
    lines = corpus()
    ids = {}
    train_sentencepiece(lines)
    for name in ["unigram", "unigram_bytes", "unigram_user", "bpe", "bpe_bytes", "bpe_user", "char", "word"]:
        model = sentencepiece.SentencePieceProcessor(model_file=os.path.join(OUT, name + ".model"))
        ids[name] = [model.encode(text) for text in texts]
    make_tiktoken(texts, ids)
    make_bert(lines, texts, ids)
    make_gguf(texts, ids)
    make_container()
    make_data()
    with open(os.path.join(OUT, "texts.json"), "w", encoding="utf-8") as file:
        json.dump(texts, file, ensure_ascii=False, indent=0)
    with open(os.path.join(OUT, "ids.json"), "w", encoding="utf-8") as file:
        json.dump(ids, file, separators=(",", ":"))


main()
