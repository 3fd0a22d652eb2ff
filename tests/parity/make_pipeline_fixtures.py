#!/usr/bin/env python3
"""Writes tests/fixtures/token/pipeline.json: random tokenizer.json files (token_cases.py) and what HF tokenizers 0.23.3
makes of random texts with them.

    python3 tests/parity/make_pipeline_fixtures.py                    # needs: pip install tokenizers==0.23.3
    python3 tests/parity/make_pipeline_fixtures.py check TOOL COUNT [SEED]   # compares COUNT more, with token_dump.cc

Left out is what the peer does not define: added tokens that normalize to nothing or to the same text, its panics; and
windows inside windows of overflowing tokens, of which it keeps copies.
"""
import collections
import json
import os
import random
import sys

import tokenizers
from tokenizers import Tokenizer

import token_cases
import token_peer

assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "tests/fixtures/token/pipeline.json")


def usable(config):
    """The peer's tokenizer, or None."""
    try:
        peer = Tokenizer.from_str(json.dumps(config))
        searched = [peer.normalizer.normalize_str(token["content"]) if peer.normalizer else token["content"]
                    for token in config["added_tokens"] if token["normalized"]]
    except BaseException:  # its panics are no Exceptions
        return None
    return peer if "" not in searched and len(set(searched)) == len(searched) else None


def encoded(peer, text, pair, special):
    try:
        out = token_peer.encoding(peer.encode(text, pair, add_special_tokens=special))
    except BaseException:
        return None
    for window in out["overflowing"]:
        window["overflowing"] = []
    return out


def decoded(peer, ids, skip):
    try:
        return peer.decode(ids, skip_special_tokens=skip)
    except BaseException:
        return None


def cases(seed, count, num_texts=3, num_decodes=3):
    """(config, peer, encode cases, decode cases)"""
    for n in range(count):
        rng = random.Random(seed * 1000003 + n)
        config = token_cases.config(rng)
        peer = usable(config)
        if peer is None:
            continue
        texts = [(token_cases.text(rng), token_cases.text(rng) if rng.random() < 0.3 else None, rng.random() < 0.7)
                 for _ in range(num_texts)]
        lists = [([rng.randrange(peer.get_vocab_size() + 2) for _ in range(rng.randint(1, 8))], rng.random() < 0.5)
                 for _ in range(num_decodes)]
        yield (config, peer, [(*case, encoded(peer, *case)) for case in texts],
               [(*case, decoded(peer, *case)) for case in lists])


def write(count):
    vocabularies, out = {}, []
    for config, _, texts, lists in cases(2026, count, 2, 3):
        model = config["model"]
        vocabularies[model["type"]] = model
        config["model"] = model["type"]
        out.append({"file": config,
                    "encode": [[*case[:3], case[3]] for case in texts if case[3] is not None],
                    "decode": [list(case) for case in lists if case[2] is not None]})
    with open(OUT, "w", encoding="utf-8") as file:
        text = json.dumps({"charsmap": token_cases.CHARSMAP, "models": vocabularies, "cases": out}, separators=(",", ":"))
        first = text.index(token_cases.CHARSMAP) + len(token_cases.CHARSMAP)
        file.write(text[:first] + text[first:].replace(token_cases.CHARSMAP, "CHARSMAP"))
    print(len(out), "files,", os.path.getsize(OUT), "bytes")


def check(tool, count, seed):
    ours, counts = token_peer.Ours(tool), collections.Counter()
    for config, _, texts, lists in cases(seed, count, 6, 4):
        loaded = ours.ask(name="t", json=json.dumps(config))
        if "error" in loaded:
            counts["refused: " + loaded["error"][-60:]] += 1
            continue
        for text, pair, special, wanted in texts:
            if wanted is not None:
                wrong = token_peer.differences(ours.ask(name="t", text=text, pair=pair, special=special), wanted)
                counts["encode " + (" ".join(wrong) + " differ" if wrong else "equal")] += 1
                if wrong and sum(counts.values()) < 10**6:
                    shown = {name: value for name, value in config.items() if name != "model" and value}
                    print("DIFFERS", wrong, repr(text), repr(pair), special, json.dumps(shown, ensure_ascii=False)[:1500])
        for ids, skip, wanted in lists:
            if wanted is not None:
                answer = ours.ask(name="t", decode=ids, skip=skip)
                same = answer.get("text") == wanted and answer.get("streamed") == wanted
                counts["decode " + ("equal" if same else "differs")] += 1
                if not same:
                    print("DIFFERS", ids, skip, repr(wanted), answer, json.dumps(config["decoder"], ensure_ascii=False))
    print(*[f"{name}: {number}" for name, number in sorted(counts.items())], sep="\n")
    sys.exit(any("differ" in name for name in counts))


if len(sys.argv) > 3 and sys.argv[1] == "check":
    check(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 1)
else:
    write(170)
