#!/usr/bin/env python3
"""Converts tokenizer files by `athanor tokens ... to=` and holds the results against the peers, on ATHANOR_DATA's texts.

    ATHANOR_DATA=... python3 tests/parity/check_token_files.py build/athanor
    # needs: pip install sentencepiece==0.2.3 tiktoken==0.14.0 tokenizers==0.23.3; xllamacpp for the last part

1. SentencePiece models (the data's and the fixtures'): HF with our tokenizer.json, and sentencepiece with the .model
   that we write of it, against sentencepiece with the original. HF passes over two members of ours: texts that only
   these decide are left out (file/README.md).
   Then tokenizers that we train ourselves, with their normalizers made into a charsmap: sentencepiece with the .model
   against HF with the tokenizer.json. Expected to differ: marks in odd orders (file/charsmap_builder.h), and runs of
   unknown words or characters, which sentencepiece makes one.
2. tiktoken: HF with the tokenizer.json of a rank file against tiktoken with the ranks.
3. llama.cpp: HF with the tokenizer.json of each GGUF vocabulary against the .inp and .out files; llama.cpp (vocab_only,
   through the C API that xllamacpp's library exports) with the GGUF that we write of each tokenizer.json. Expected to
   differ: Qwen on text that is not in NFC, which llama.cpp leaves as it is, and BERT on Hangul and some rare characters.
"""
import base64
import ctypes
import glob
import importlib.util
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile

import sentencepiece
import tiktoken
from tokenizers import Tokenizer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = os.path.join(ROOT, "tests/fixtures/token/files")
DATA = os.environ["ATHANOR_DATA"]
PROGRAM = os.path.abspath(sys.argv[1])
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
          r"|\s+(?!\S)|\s")
R50K = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"


def unpacked(name):
    return subprocess.run(["zstd", "-dqc", os.path.join(DATA, name)], check=True, capture_output=True).stdout.decode()


def make_texts():
    with open(os.path.join(FILES, "texts.json"), encoding="utf-8") as file:
        texts = json.load(file)
    with open(os.path.join(DATA, "text/tinyshakespeare.txt"), encoding="utf-8") as file:
        texts += file.read().split("\n")[:2000]
    for name in ["wagahaiwa_nekodearu-ja.txt.zst", "wikitext-2.test.txt.zst", "tang-poems-zh.jsonl.zst"]:
        texts += unpacked("text/" + name).split("\n")[:800]
    with open(os.path.join(DATA, "conformance/utf8-all-assigned.txt"), encoding="utf-8") as file:
        everything = file.read().replace("\0", "")
    texts += [everything[i:i + 200] for i in range(0, len(everything), 200)]
    rng = random.Random(1)
    parts = [" ", "  ", "a", "the ", "日", "\n", "é", "１", "\u3000", "!!", "12", "<sep>", "😀", "Hello", "'s"]
    texts += ["".join(rng.choice(parts) for _ in range(rng.randint(1, 12))) for _ in range(2000)]
    return texts


def convert(source, target, *options):
    done = subprocess.run([PROGRAM, "tokens", source, "to=" + target, *options], capture_output=True, text=True)
    if done.returncode != 0:
        print("   ", os.path.basename(target), "not written:", done.stderr.strip().split("\n")[0])
    return done.returncode == 0


def hugging(path):
    tokenizer = Tokenizer.from_file(path)
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def compare(name, texts, wanted, got):
    differ = [text for text in texts if wanted(text) != got(text)]
    print(f"{name:48} {len(texts)} texts, {len(differ)} differ", [text[:40] for text in differ[:3]])
    return len(differ)


def check_sentencepiece(folder, texts):
    faults = 0
    paths = sorted(glob.glob(os.path.join(DATA, "tokenizers/sentencepiece/*.model")) + glob.glob(FILES + "/*.model"))
    for path in paths:
        name = os.path.basename(path)[:-len(".model")]
        original = sentencepiece.SentencePieceProcessor(model_file=path)
        if name != "word" and convert(path, f"{folder}/{name}.json"):
            with open(f"{folder}/{name}.json", encoding="utf-8") as file:
                unmatched = json.load(file)["model"].get("unmatched_ids", [])
            pieces = [original.id_to_piece(i) for i in unmatched]
            plain = [t for t in texts if not any(p in t for p in pieces) and not any(c in t for c in "ﾞﾟ\u0301\u030a\u11ab")]
            faults += compare(f"HF, {name}.json", plain, original.encode, hugging(f"{folder}/{name}.json"))
        if convert(path, f"{folder}/{name}.model"):
            written = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/{name}.model")
            faults += compare(f"sentencepiece, {name}.model written", texts, original.encode, written.encode)
    return faults


def check_trained(folder, texts):
    faults = 0
    plain = [t for t in texts if not any(p in t for p in ["\0", "<s>", "</s>", "<unk>"])]  # HF's Unigram matches control pieces
    with open(os.path.join(DATA, "text/tinyshakespeare.txt"), encoding="utf-8") as file:
        lines = file.read().split("\n")
    lines += unpacked("text/wagahaiwa_nekodearu-ja.txt.zst").split("\n") + unpacked("text/tang-poems-zh.jsonl.zst").split("\n")[:3000]
    with open(f"{folder}/lines.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(text.replace("\n", " ").replace("\r", " ") for text in lines))
    for kind, options in [("bpe", ["style=sentencepiece", "byte_fallback=true", "vocab_size=8000"]),
                          ("unigram", ["vocab_size=8000"]), ("word", ["vocab_size=4000", "pre_tokenizer=metaspace"]), ("char", [])]:
        step = "{from: collect, kind: " + kind + "".join(", " + o.replace("=", ": ") for o in options) + "}"
        with open(f"{folder}/{kind}.yaml", "w", encoding="utf-8") as file:
            file.write("steps:\n  collect: {source: lines.txt}\n  tokenizer: " + step + "\n")
        done = subprocess.run([PROGRAM, "run", kind + ".yaml"], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            print("   ", kind, "not trained:", done.stderr)
            faults += 1
            continue
        run = max(glob.glob(f"{folder}/runs/tokenizer-*"), key=os.path.getmtime)
        path = run + "/out/tokenizer.json"
        if not convert(path, f"{folder}/trained_{kind}.model"):
            faults += 1
            continue
        written = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/trained_{kind}.model")
        ours = hugging(path)

        def runs_joined(text, kind=kind, encode=ours, unknown=written.unk_id()):
            ids = encode(text)
            return [i for n, i in enumerate(ids) if kind not in ("word", "char") or i != unknown or n == 0 or ids[n - 1] != i]

        faults += compare(f"sentencepiece, trained {kind}.model", plain, runs_joined, written.encode)
    return faults


def check_tiktoken(folder, texts):
    faults = 0
    with open(FILES + "/ranks.tiktoken", encoding="ascii") as file:
        ranks = {base64.b64decode(line.split()[0]): int(line.split()[1]) for line in file}
    for family, pattern in [("r50k", R50K), ("cl100k", CL100K)]:
        peer = tiktoken.Encoding(family, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        if convert(FILES + "/ranks.tiktoken", f"{folder}/{family}.json", "family=" + family):
            faults += compare(f"HF, {family}.json", texts, peer.encode_ordinary, hugging(f"{folder}/{family}.json"))
    return faults


class Llama:
    """llama.cpp's C API: enough of it to tokenize."""

    class Parameters(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_uint8 * 160)]

    VOCAB_ONLY = 72  # the place of that flag in llama_model_params, xllamacpp 2026.10

    def __init__(self, path, library):
        self.library = library
        parameters = library.llama_model_default_params()
        parameters.bytes[self.VOCAB_ONLY] = 1
        model = library.llama_model_load_from_file(path.encode(), parameters)
        if not model:
            raise RuntimeError("llama.cpp does not load " + path)
        self.vocabulary = library.llama_model_get_vocab(model)

    def encode(self, text):
        data = text.encode()
        ids = (ctypes.c_int32 * (2 * len(data) + 16))()
        count = self.library.llama_tokenize(self.vocabulary, data, len(data), ids, len(ids), False, False)
        return list(ids[:count])


def llama_library():
    spec = importlib.util.find_spec("xllamacpp")
    if spec is None:
        return None
    library = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(spec.origin), "*.so"))[0])
    library.llama_model_default_params.restype = Llama.Parameters
    library.llama_model_load_from_file.restype = ctypes.c_void_p
    library.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Llama.Parameters]
    library.llama_model_get_vocab.restype = ctypes.c_void_p
    library.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
    library.llama_tokenize.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.POINTER(ctypes.c_int32),
                                       ctypes.c_int32, ctypes.c_bool, ctypes.c_bool]
    library.llama_backend_init()
    return library


def check_llama(folder, texts):
    faults = 0
    archive = os.path.join(DATA, "tokenizers/llama.cpp-vocab-tests.tar.zst")
    subprocess.run(f"zstd -dqc {archive} > {folder}/vocabs.tar", shell=True, check=True)
    with tarfile.open(folder + "/vocabs.tar") as tar:
        tar.extractall(folder, filter="data")
    for name in ["qwen3", "deepseek_v3"]:
        with open(f"{folder}/{name}.json", "w", encoding="utf-8") as file:
            file.write(unpacked(f"tokenizers/{name}/tokenizer.json.zst"))
    sources = {os.path.basename(path)[:-5]: path for path in glob.glob(folder + "/**/ggml-vocab-*.gguf", recursive=True)}
    sources.update({"qwen3": folder + "/qwen3.json", "deepseek_v3": folder + "/deepseek_v3.json"})
    pairs = {"ggml-vocab-qwen2": "qwen3", "ggml-vocab-deepseek-r1-qwen": "qwen3"}
    pairs.update({name: name for name in sources if name.startswith("ggml")})
    for name, path in sources.items():
        if path.endswith(".gguf"):
            convert(path, f"{folder}/{name}.json")
    for name, source in sorted(pairs.items()):
        inputs = glob.glob(f"{folder}/**/{name}.gguf.inp", recursive=True)[0]
        with open(inputs, encoding="utf-8") as file:
            asked = file.read().split("\n__ggml_vocab_test__\n")
        with open(inputs[:-4] + ".out", encoding="utf-8") as file:
            answers = [[int(i) for i in line.split()] for line in file.read().split("\n")]
        table = dict(zip(asked, answers))
        faults += compare(f"HF, {name}: .inp and .out", asked, table.get, hugging(f"{folder}/{source}.json"))
    library = llama_library()
    short = [text for text in texts if len(text) < 300]  # llama.cpp's regexes recurse
    for name in sorted(sources):
        if library is not None and convert(f"{folder}/{name}.json", f"{folder}/{name}.written.gguf"):
            peer = Llama(f"{folder}/{name}.written.gguf", library)
            faults += compare(f"llama.cpp, {name} written", short, hugging(f"{folder}/{name}.json"), peer.encode)
    return faults


def main():
    texts = make_texts()
    with tempfile.TemporaryDirectory() as folder:
        faults = check_sentencepiece(folder, texts) + check_trained(folder, texts) + check_tiktoken(folder, texts) + check_llama(folder, texts)
    print(faults, "differences")


main()
