"""The FineWeb chain (Gopher repetition, Gopher quality, C4 without its end-mark rule, FineWeb): Athanor against datatrove.

  ATHANOR_DATA=DIR PYTHONPATH=<datatrove, spacy> python3 bench/clean.py build/clean_tests [--documents N] [--rounds 5]

Both see the same texts on one thread, interleaved, median of the rounds by processor time. datatrove splits words and
sentences with spaCy, as published; Athanor with its own rules, and measures every step of every document, where
datatrove stops at the first that drops. Then every document's answer is compared; the differences are printed.
"""
import argparse
import html.parser
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

SPEC = ["gopher_repetition", "gopher_quality", {"c4": {"filter_no_terminal_punct": False}}, "fineweb_quality"]


def unpacked(path):
    return subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout


class Visible(html.parser.HTMLParser):
    """All the visible text of a page, furniture included, a block a line: what a crude extraction leaves."""

    BLOCKS = {"p", "div", "li", "h1", "h2", "h3", "h4", "br", "tr", "td", "section", "article", "nav", "ul", "a"}

    def __init__(self):
        super().__init__()
        self.parts, self.hidden = [], 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in ("script", "style", "noscript")
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style", "noscript") and self.hidden > 0
        if tag in self.BLOCKS and tag != "a":
            self.parts.append("\n")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(" ".join(data.split(" ")).replace("\n", " "))

    def text(self):
        lines = (line.strip() for line in "".join(self.parts).split("\n"))
        return "\n".join(line for line in lines if line)


def documents(data, limit):
    docs = [("c4_demo", json.loads(line)["text"]) for line in open(f"{data}/text/c4_demo.jsonl", encoding="utf-8")]
    archive = tarfile.open(fileobj=io.BytesIO(unpacked(f"{data}/web/article-extraction-benchmark.tar.zst")))
    for member in archive.getmembers():
        content = archive.extractfile(member).read() if member.isfile() else b""
        if member.name.endswith("ground-truth.json"):
            docs += [("articles", row["articleBody"]) for row in json.loads(content).values()]
        elif member.name.endswith(".html"):
            page = Visible()
            page.feed(content.decode("utf-8", "replace"))
            docs.append(("pages", page.text()))
    text = ""
    for line in unpacked(f"{data}/text/classics-en.jsonl.zst").decode().splitlines():
        text += json.loads(line)["text"].replace("\r\n", "\n") + "\n"
        if len(text) > 6000000:
            break
    pieces = []
    while len(text) > 5000:
        cut = text.index("\n", 4000) + 1
        pieces.append(("classics", text[:cut]))
        text = text[cut:]
    random.Random(1).shuffle(pieces)
    return [(kind, text) for kind, text in docs + pieces if text][:limit]


def datatrove_chain():
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

    steps = [("gopher_repetition", GopherRepetitionFilter()), ("gopher_quality", GopherQualityFilter()),
             ("c4", C4QualityFilter(filter_no_terminal_punct=False)), ("fineweb_quality", FineWebQualityFilter())]

    def run(text):
        document = Document(text=text, id="0")
        for name, step in steps:
            answer = step.filter(document)
            if answer is not True:
                return [name, answer[1] if isinstance(answer, tuple) else ""]
        return ["", ""]

    return run


def athanor_run(binary, source, answers, spec=SPEC):
    environment = dict(os.environ, ATHANOR_BENCH_IN=source, ATHANOR_BENCH_OUT=answers, ATHANOR_BENCH_SPEC=json.dumps(spec))
    out = subprocess.run([binary, "--gtest_also_run_disabled_tests", "--gtest_filter=Speed.DISABLED_ChainOnAFile"],
                         env=environment, check=True, capture_output=True, text=True).stdout
    return float(next(line.split()[1] for line in out.splitlines() if line.startswith("seconds ")))


def compare_c4(binary, folder, source, docs):
    """C4's filter as published (end marks wanted): the answer, and the text it leaves."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import C4QualityFilter

    athanor_run(binary, source, folder + "/c4.jsonl", ["c4"])
    step, same, texts, kept = C4QualityFilter(), 0, 0, 0
    for line, (_, text) in zip(open(folder + "/c4.jsonl", encoding="utf-8"), docs):
        mine, document = json.loads(line), Document(text=text, id="0")
        answer = step.filter(document)
        same += (answer is True and mine["step"] == "") or (answer is not True and answer[1] == mine["reason"])
        if answer is True and mine["step"] == "":
            kept += 1
            texts += document.text == mine["text"]
    print(f"c4 alone: answer and reason equal {same} of {len(docs)}; of {kept} kept by both, {texts} texts equal")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--documents", type=int, default=1200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--differences", type=int, default=40)
    args = parser.parse_args()
    docs = documents(os.environ["ATHANOR_DATA"], args.documents)
    size = sum(len(text.encode()) for _, text in docs)
    folder = tempfile.mkdtemp()
    source, answers = folder + "/in.jsonl", folder + "/out.jsonl"
    with open(source, "w", encoding="utf-8") as file:
        for _, text in docs:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    chain = datatrove_chain()
    chain(docs[0][1])  # loads spaCy
    ours, theirs, peer = [], [], []
    for _ in range(args.rounds):
        ours.append(athanor_run(args.binary, source, answers))
        start = time.process_time()
        peer = [chain(text) for _, text in docs]
        theirs.append(time.process_time() - start)
    for name, seconds in (("athanor", ours), ("datatrove", theirs)):
        print(f"{name:10} {size / statistics.median(seconds) / 1e6:8.2f} MB/s  "
              f"({size / max(seconds) / 1e6:.2f} to {size / min(seconds) / 1e6:.2f}, {len(seconds)} rounds)")
    print(f"ratio {statistics.median(theirs) / statistics.median(ours):.0f}, {len(docs)} documents, {size} bytes")
    mine = [json.loads(line) for line in open(answers, encoding="utf-8")]
    kinds = sorted({kind for kind, _ in docs})
    for kind in kinds:
        rows = [i for i, (k, _) in enumerate(docs) if k == kind]
        same = sum((mine[i]["step"] == "") == (peer[i][0] == "") for i in rows)
        reason = sum([mine[i]["step"], mine[i]["reason"]] == peer[i] or mine[i]["step"] == peer[i][0] == "" for i in rows)
        kept = sum(peer[i][0] == "" for i in rows)
        print(f"{kind:10} {len(rows):5} documents, {kept} kept by datatrove: keep or drop equal {same} "
              f"({100 * same / len(rows):.2f} %), step and reason equal {reason} ({100 * reason / len(rows):.2f} %)")
    same = sum((m["step"] == "") == (p[0] == "") for m, p in zip(mine, peer))
    print(f"all: keep or drop equal {same} of {len(docs)} ({100 * same / len(docs):.2f} %)")
    compare_c4(args.binary, folder, source, docs)
    shown = 0
    for (kind, text), m, p in zip(docs, mine, peer):
        if (m["step"] == "") != (p[0] == "") and shown < args.differences:
            shown += 1
            print(f"  {kind}: athanor {m['step'] or 'keeps'} {m['reason']} {m['score']:.4f} | datatrove "
                  f"{p[0] or 'keeps'} {p[1]} | {text[:70]!r}")


if __name__ == "__main__":
    sys.exit(main())
