#!/usr/bin/env python3
"""Ids and offsets of whole tokenizers against HF tokenizers 0.23.3 over every text there is.

    ATHANOR_DATA=... python3 tests/parity/check_tokenizers.py TOOL [--extra FOLDER] [--only NAME] [--offsets BYTES]

TOOL is the CMake target token_dump (tests/parity/token_dump.cc). Tokenizers: those of ATHANOR_DATA/tokenizers, and every
*.json in FOLDER (well-known families whose terms forbid a copy here). Texts: ATHANOR_DATA/text, the conformance files,
code, and what this script makes: emoji, long words, random characters. Texts go in as documents (rows, chapters or
pieces of 20 kB) that are encoded one by one, added tokens and template included; offsets, word ids and masks are
compared for the first BYTES of each text.
"""
import argparse
import collections
import glob
import json
import os
import random
import subprocess
import sys
import tarfile
import io
import zipfile

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import token_peer

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
DATA = os.environ["ATHANOR_DATA"]


def unpacked(path):
    return subprocess.run(["zstd", "-dqc", os.path.join(DATA, path)], check=True, capture_output=True).stdout


def read(path):
    with open(os.path.join(DATA, path), "rb") as file:
        return file.read()


def pieces(text, size=20000):
    return [text[i:i + size] for i in range(0, len(text), size)]


def rows(blob):
    out = []
    for line in blob.decode("utf-8").splitlines():
        value = json.loads(line)
        values = value.values() if isinstance(value, dict) else value
        out.append("\n".join("\n".join(v) if isinstance(v, list) else str(v) for v in values))
    return out


def texts(limit):
    """name -> documents, at most limit characters of each text."""
    rng = random.Random(7)
    found = {}
    for path in sorted(glob.glob(os.path.join(DATA, "text/*"))):
        name = os.path.basename(path)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                found[name] = [archive.read(each).decode("utf-8", "replace") for each in sorted(archive.namelist())
                               if each.endswith(".txt")]
            continue
        blob = unpacked("text/" + name) if name.endswith(".zst") else read("text/" + name)
        found[name] = rows(blob) if ".jsonl" in name else pieces(blob.decode("utf-8"))
    assigned = read("conformance/utf8-all-assigned.txt").decode("utf-8", "replace")
    found["utf8-all-assigned"] = pieces(assigned, 1000)
    found["utf8-all-assigned, spaced"] = [" ".join(part) for part in pieces(assigned, 1000)]
    with tarfile.open(fileobj=io.BytesIO(unpacked("conformance/unicode-15.0-tests.tar.zst"))) as archive:
        for member in archive.getmembers():
            if member.isfile():
                found["conformance/" + os.path.basename(member.name)] = pieces(
                    archive.extractfile(member).read().decode("utf-8", "replace"), 5000)
    code = json.loads(read("sft/code_alpaca_2k.json"))
    found["code"] = [row["output"] for row in code]
    emoji = [chr(c) for c in [*range(0x1F300, 0x1FAFF), *range(0x2600, 0x27BF), 0x200D, 0xFE0F, 0x1F1E6, 0x1F1FA, 32]]
    found["emoji"] = ["".join(rng.choice(emoji) for _ in range(200)) for _ in range(100)]
    found["long words"] = [letter * n for letter in ("a", " ", "中", "ab", "\n", "!?", "7", "é", "▁", "'s")
                           for n in (100, 1000, 10000)]
    every = [chr(c) for c in range(1, 0x30000) if not 0xd800 <= c < 0xe000]
    found["random characters"] = ["".join(rng.choice(every) for _ in range(300)) for _ in range(300)]
    nasty = "aA1 '\n\r\ts\u017f\u212aé\u0301中あ한!,.\u00a0\u2028😀\u0323<|im_end|></s>[MASK]"
    found["random, nasty"] = ["".join(rng.choice(nasty) for _ in range(200)) for _ in range(500)]
    out = {}
    for name, documents in found.items():
        kept, size = [], 0
        for document in (part for whole in documents for part in pieces(whole, 200000)):
            if size >= limit:
                break
            kept.append(document)
            size += len(document)
        out[name] = kept
    return out


def gpt2():
    vocab = json.loads(unpacked("tokenizers/gpt2/encoder.json.zst"))
    merges = [tuple(line.split(" ")) for line in read("tokenizers/gpt2/vocab.bpe").decode().splitlines()[1:] if line]
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer.to_str()


def bert_chinese():
    bert = json.loads(read("tokenizers/bert-base-uncased/tokenizer.json"))
    lines = read("tokenizers/bert-base-chinese/vocab.txt").decode().splitlines()
    bert["model"]["vocab"] = {line: i for i, line in enumerate(lines)}
    for token in bert["added_tokens"]:
        token["id"] = bert["model"]["vocab"][token["content"]]
    bert["truncation"] = bert["padding"] = None
    specials = bert["post_processor"].get("special_tokens", {})
    for name, value in specials.items():
        value["ids"] = [bert["model"]["vocab"][name]]
    return json.dumps(bert)


def named(extra):
    out = {"qwen3": unpacked("tokenizers/qwen3/tokenizer.json.zst").decode(),
           "deepseek_v3": unpacked("tokenizers/deepseek_v3/tokenizer.json.zst").decode(),
           "gpt2": gpt2(), "bert-base-uncased": read("tokenizers/bert-base-uncased/tokenizer.json").decode(),
           "bert-base-chinese": bert_chinese()}
    for path in sorted(glob.glob(os.path.join(extra, "*.json")) if extra else []):
        with open(path, encoding="utf-8") as file:
            out[os.path.basename(path)[:-len(".json")]] = file.read()
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--extra")
    parser.add_argument("--only")
    parser.add_argument("--limit", type=int, default=1 << 40, help="characters of each text")
    parser.add_argument("--offsets", type=int, default=300000)
    options = parser.parse_args()
    ours = token_peer.Ours(options.tool)
    total = collections.Counter()
    documents_of = texts(options.limit)
    for name, source in named(options.extra).items():
        if options.only and options.only not in name:
            continue
        theirs = Tokenizer.from_str(source)
        loaded = ours.ask(name="t", json=source)
        if "error" in loaded:
            print(f"{name}: not loaded: {loaded['error']}", flush=True)
            continue
        saved = ours.ask(name="t", save=True)["json"]
        same = "as its own save" if saved == theirs.to_str(pretty="\n" in source[:4]) else "OTHER BYTES"
        theirs.no_truncation()
        theirs.no_padding()
        lines, sums = [], collections.Counter()
        for title, documents in documents_of.items():
            equal, seen, parts = 0, 0, collections.Counter()
            for at in range(0, len(documents), 64):
                batch = documents[at:at + 64]
                if seen < options.offsets:
                    answers = [(ours.ask(name="t", text=text, bare=True), text) for text in batch]
                    for (answer, text), peer in zip(answers, theirs.encode_batch(batch)):
                        wrong = token_peer.differences(answer, token_peer.encoding(peer))
                        equal += not wrong
                        parts.update(wrong)
                else:
                    for text, peer in zip(batch, theirs.encode_batch_fast(batch, add_special_tokens=False)):
                        wrong = ours.ask(name="t", text=text, plain_only=True)["plain"] != peer.ids
                        equal += not wrong
                        parts.update(["ids"] if wrong else [])
                seen += sum(map(len, batch))
            sums.update(documents=len(documents), equal=equal, characters=seen)
            if equal != len(documents):
                lines.append(f"    {title}: {equal} of {len(documents)} equal; differ in {dict(parts)}")
        total.update(sums)
        print(f"{name}: {sums['equal']} of {sums['documents']} documents equal ({sums['characters']} characters); "
              f"written again: {same}", *lines, sep="\n", flush=True)
    print(f"all: {total['equal']} of {total['documents']} documents equal")
    sys.exit(total["equal"] != total["documents"])


main()
