#!/usr/bin/env python3
"""NeMo Curator's own filters against the step curator_english: a fixture, and a comparison at size.

    make_curator_fixture.py fixture CHECKOUT parity.jsonl > tests/fixtures/clean/curator.jsonl
    make_curator_fixture.py compare CHECKOUT PROGRAM FILE.jsonl...      (prints the differences, exit 1 if there are any)

CHECKOUT holds nemo_curator/ and config/ of a clone; its heuristic_filter.py is run as it stands, with stubs for what it
imports and these filters do not use. The fixture has the 120 texts of parity.jsonl (by number) and texts of its own for
what they lack. Made with the version and commit that the first line names. `compare` runs `athanor measure`.

Where several n-grams are the commonest Curator's choice depends on Python's hash seed: all their values are kept.
"""
import glob
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import types
from collections import Counter

METRICS = ["non_alphanumeric", "symbols", "digits", "urls", "white_space", "parentheses", "boilerplate", "lines_left",
           "paragraphs_left", "line_chars_left", "paragraph_chars_left", "words", "no_endmark", "alphabetic", "common_words",
           "mean_word_length", "longest_word", "ellipsis_lines", "top_2_gram", "top_3_gram", "top_4_gram", "dup_5_gram",
           "dup_6_gram", "dup_7_gram", "dup_8_gram", "dup_9_gram", "dup_10_gram", "bullet_lines"]
ALPHABET = "the of and to fire salt stone gold mercury turns into water air slowly that have with be it vessel".split()


def stub(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


class DocumentFilter:
    def __init__(self):
        self._sentences = self._paragraphs = self._ngrams = None


def load(checkout, name):
    path = os.path.join(checkout, *name.split(".")) + ".py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def chain(checkout):
    """The filters of heuristic_filter_en.yaml in their order, as (class, object)."""
    import yaml
    for name in ("nemo_curator", "nemo_curator.filters", "nemo_curator.utils", "requests", "nemo_curator.filters.models"):
        stub(name)
    stub("platformdirs", user_cache_dir=None)
    stub("transformers", AutoTokenizer=None)
    stub("nemo_curator.filters.bitext_filter", BitextFilter=object)
    stub("nemo_curator.filters.doc_filter", DocumentFilter=DocumentFilter)
    load(checkout, "nemo_curator.utils.constants")
    load(checkout, "nemo_curator.utils.text_utils")
    filters = load(checkout, "nemo_curator.filters.heuristic_filter")
    with open(os.path.join(checkout, "config/heuristic_filter_en.yaml"), encoding="utf-8") as file:
        listed = yaml.safe_load(file)["filters"]
    made = []
    for entry in listed:
        name = entry["name"].rsplit(".", 1)[1]
        made.append(getattr(filters, name)(**entry["params"]))
    assert len(made) == len(METRICS)
    return made


def top_values(text, n):
    """What each of the commonest n-grams would give."""
    words = text.split()
    if len(words) < n:
        return [1.0]
    counts = Counter(zip(*[words[i:] for i in range(n)]))
    most = max(counts.values())
    return sorted({(len(text) - len(text.replace(" ".join(gram), ""))) / len(text)
                   for gram, count in counts.items() if count == most})


def judge(filters, text):
    """(values by metric, a list where several are right; the index of the first filter that drops it, or -1)"""
    values, dropped = [], -1
    for i, (metric, step) in enumerate(zip(METRICS, filters)):
        score = step.score_document(text)
        if metric.startswith("top_"):
            several = top_values(text, int(metric.split("_")[1]))
            assert any(abs(score - value) < 1e-12 for value in several), (metric, score, several)
            values.append(several if len(several) > 1 else several[0])
        else:
            values.append(score)
        if dropped < 0 and not step.keep_document(score):
            dropped = i
    return values, dropped


def extra_texts():
    rng = random.Random(11)

    def words(count):
        return " ".join(rng.choice(ALPHABET) for _ in range(count))

    lines = [words(rng.randint(4, 12)) for _ in range(30)]
    bullets = "\u2022\u2023\u2043\u204c\u204d\u2219\u25cb\u25cf\u25d8\u25e6\u29be\u29bf"
    return [
        "\n".join(f"{bullets[i % len(bullets)]} {line}." for i, line in enumerate(lines)),
        "\n".join(line + [" ...", " [...]", "\u2026", " (...)", "[\u2026]", " -\u00bb", " Read more..", " READ MORE"][i % 8]
                  for i, line in enumerate(lines)),
        "\n\n".join([words(60) + ".", "We care: read our Privacy Policy and TERMS OF USE.", "This site uses cookies " + words(9)]),
        "\n\n".join([words(60) + ".", "Lorem Ipsum dolor sit amet"]),
        "\n\n".join([words(40) + "."] * 3 + [words(30) + "."]),
        words(60) + " " + " ".join(f"http://ex.org/{i}?a=$b&c=(d)%20!* https://x.y_z~q#f" for i in range(12)),
        words(60) + " (a) [b] {c} \u27e8d\u27e9" * 9,
        words(60) + "\t\r\n \u3000\u00a0\b x" * 9,
        words(50) + " \u0663\u0664 \u0967 42" * 12,
        words(60) + " # ## ### #a ... \u2026 read more" * 8,
        words(70) + " " + "x" * 1200,
        " ".join("THE OF AND" for _ in range(30)),
        " ".join(str(i) for i in range(90)),
        "\n".join(words(8) for _ in range(12)),
        words(49), words(50), "one", "a b c d e f g h i", "\n\n  \n" + words(60) + "\n\n\n",
        " ".join(["the sea and the sky of the land"] * 20),
        words(30) + "\u2028" + words(30) + "\u0085" + words(5) + "\x1c" + words(5) + "\v" + words(5),
        "If you continue to browse this site without changing your cookie settings, you agree to this use. AcceptRead More\n\n"
        + words(60) + ".",
        "Necessary cookies are absolutely essential for us.\n\n" + words(60) + ".",
        "Any cookies that may not be particularly necessary here.\n\n" + words(60) + ".",
    ]


def write_fixture(checkout, parity):
    filters = chain(checkout)
    version = {}
    with open(os.path.join(checkout, "nemo_curator/package_info.py"), encoding="utf-8") as file:
        exec(file.read(), version)
    print(json.dumps({"nemo_curator": version["__version__"], "source": "heuristic_filter.py, heuristic_filter_en.yaml",
                      "metrics": METRICS}))
    with open(parity, encoding="utf-8") as file:
        rows = [json.loads(line) for line in list(file)[1:]]
    for number, row in enumerate(rows):
        values, dropped = judge(filters, row["text"])
        print(json.dumps({"row": number, "values": values, "dropped": dropped}))
    for text in extra_texts():
        values, dropped = judge(filters, text)
        print(json.dumps({"text": text, "values": values, "dropped": dropped}))


def compare(checkout, program, files):
    import pyarrow.parquet as parquet
    filters = chain(checkout)
    texts = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            texts += [json.loads(line)["text"] for line in file]
    texts = [text for text in texts if text.strip()]
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "texts.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
        run = [os.path.abspath(program), "clean", "from=c", "rules=[curator_english]", "runs=runs"]
        with open(os.path.join(folder, "r.yaml"), "w", encoding="utf-8") as file:
            file.write("name: x\nsteps:\n  c: {verb: collect, source: texts.jsonl}\n  clean: {from: c, rules: [curator_english]}\n")
        run = [os.path.abspath(program), "run", "r.yaml", "runs=runs"]
        subprocess.run(run, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        measured = {}
        for name in sorted(glob.glob(os.path.join(folder, "runs/*/out/*columns*.parquet"))):
            table = parquet.read_table(name)
            for column in table.column_names:
                measured.setdefault(column, []).extend(table[column].to_pylist())
    found = {metric: measured[f"curator_english_{metric}"] for metric in METRICS}
    assert len(found["words"]) == len(texts), (len(found["words"]), len(texts))
    reasons = measured["curator_english_reason"]
    differences, other, judged, skipped = Counter(), 0, 0, 0
    for i, text in enumerate(texts):
        if found["words"][i] != found["words"][i]:
            skipped += 1
            continue
        values, dropped = judge(filters, text)
        judged += 1
        for metric, value in zip(METRICS, values):
            ours = min(found[metric][i], 2) if metric == "common_words" else found[metric][i]
            if all(abs(ours - each) > 1e-9 for each in (value if isinstance(value, list) else [value])):
                differences[metric] += 1
                if differences[metric] <= 3:
                    print(metric, ours, value, json.dumps(text[:300]))
        other += (dropped < 0) != (reasons[i] == "")
    print(f"{judged} texts ({skipped} more in Han or kana): {other} other decisions; other values: {dict(differences) or 'none'}")
    return 1 if other or differences else 0


if __name__ == "__main__":
    if sys.argv[1] == "fixture":
        write_fixture(sys.argv[2], sys.argv[3])
    else:
        sys.exit(compare(sys.argv[2], sys.argv[3], sys.argv[4:]))
