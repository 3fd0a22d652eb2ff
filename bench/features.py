"""Features of texts: Athanor against scikit-learn, all cores, interleaved in one run, median of the rounds with ratio and
spread; words of Chinese against jieba's; filters of pictures against scikit-image, one thread, seconds of the processor.
Texts: the English classics in pieces of 2,000 bytes; reviews. Pictures: Kodak's and scikit-image's samples.

  PYTHONPATH=<scikit-learn, scikit-image, jieba> python3 bench/features.py build/feature_speed $ATHANOR_DATA [--rounds 5] [--megabytes 12]
"""
import argparse
import csv
import io
import json
import pathlib
import re
import statistics
import subprocess
import tarfile
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("data", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--megabytes", type=float, default=12)
parser.add_argument("--threads", type=int, default=0, help="of Athanor, for texts; 0: all cores")
parser.add_argument("--only", nargs="+", default=[], help="text, chinese, tables, image")
args = parser.parse_args()


def read_zst(path):
    return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout


def pieces(text):
    data = text.encode()
    while data:
        end = min(2000, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield data[:end].decode()
        data = data[end:]


def text_rows():
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
    texts, lines, size = [], [], 0
    for line in read_zst(args.data / "text/classics-en.jsonl.zst").decode().split("\n"):
        if line and size < args.megabytes * 1e6:
            text = json.loads(line)["text"]
            size += len(text.encode())
            lines.append(json.dumps({"text": text}))
            texts.extend(pieces(text))
    print(f"{len(texts)} texts, {size / 1e6:.1f} MB\n\n| what | Athanor, MB/s | scikit-learn, MB/s | ratio (spread) | "
          "Athanor, MB a CPU second | scikit-learn | ratio |\n|---|---|---|---|---|---|---|")
    rows = [("tfidf, fit", "tfidf", {"chinese": "no"}, lambda: TfidfVectorizer()),
            ("tfidf, words and pairs, fit", "tfidf", {"chinese": "no", "ngrams": 2}, lambda: TfidfVectorizer(ngram_range=(1, 2))),
            ("hashing", "hashing", {"chinese": "no"}, lambda: HashingVectorizer())]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(lines))
        file.flush()
        for name, kind, options, peer in rows:
            ours, theirs, ratios, cpu = [], [], [], []
            for _ in range(args.rounds):
                out = subprocess.run([args.binary, "text", file.name, kind, json.dumps(options), str(args.threads)], check=True, capture_output=True, text=True)
                result = json.loads(out.stdout)
                step = peer()
                begin, cpu_begin = time.perf_counter(), time.process_time()
                x = step.fit_transform(texts)
                theirs.append(time.perf_counter() - begin)
                cpu.append((result["cpu"], time.process_time() - cpu_begin))
                ours.append(result["fit"])
                ratios.append(theirs[-1] / ours[-1])
                assert result["columns"] == x.shape[1] and abs(result["stored"] - x.nnz) <= 1e-3 * x.nnz, (result, x.shape, x.nnz)
            print(f"| {name} | {size / 1e6 / statistics.median(ours):.1f} | {size / 1e6 / statistics.median(theirs):.2f} | "
                  f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}) | "
                  f"{size / 1e6 / statistics.median(a for a, _ in cpu):.1f} | {size / 1e6 / statistics.median(b for _, b in cpu):.2f} | "
                  f"{statistics.median(b / a for a, b in cpu):.1f} |", flush=True)


def chinese_rows():
    import jieba
    jieba.setLogLevel(60)
    jieba.initialize()
    runs = []
    for row in csv.DictReader(io.StringIO(read_zst(args.data / "classify/ChnSentiCorp_htl_all.csv.zst").decode())):
        runs.extend(re.findall("[\u4e00-\u9fff]+", row["review"] or ""))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(runs) + "\n")
        file.flush()
        begin = time.perf_counter()
        out = subprocess.run([args.binary, "words", file.name], check=True, capture_output=True, text=True).stdout
        ours_seconds = time.perf_counter() - begin
    ours = [line.split(" ") for line in out.split("\n")[:-1]]

    def spans(words):
        at, all_spans = 0, set()
        for word in words:
            all_spans.add((at, at + len(word)))
            at += len(word)
        return all_spans

    for name, hmm in (("dictionary", False), ("dictionary and HMM", True)):
        begin = time.perf_counter()
        peer = [jieba.lcut(run, HMM=hmm) for run in runs]
        seconds = time.perf_counter() - begin
        right = sum(len(spans(a) & spans(b)) for a, b in zip(ours, peer))
        f1 = 2 * right / (sum(map(len, ours)) + sum(map(len, peer)))
        print(f"Chinese words, {sum(map(len, runs))} characters of reviews: F1 {f1:.4f} against jieba ({name}); "
              f"{ours_seconds:.2f} s with loading, jieba {seconds:.2f} s")


def table_rows():
    """Every numeric column of every table of the data against scikit-learn: the largest relative difference."""
    import gzip
    import numpy as np
    from sklearn import preprocessing as pre
    from sklearn.decomposition import PCA
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    impute = {"impute": {"by": "median"}}
    steps = {"zscore": ([{"scale": {"by": "zscore"}}], pre.StandardScaler()),
             "minmax": ([{"scale": {"by": "minmax"}}], pre.MinMaxScaler()),
             "robust": ([{"scale": {"by": "robust"}}], pre.RobustScaler()),
             "maxabs": ([{"scale": {"by": "maxabs"}}], pre.MaxAbsScaler()),
             "quantile": ([{"scale": {"by": "quantile"}}], pre.QuantileTransformer(subsample=None)),
             "quantile, normal": ([{"scale": {"by": "quantile", "distribution": "normal"}}],
                                  pre.QuantileTransformer(subsample=None, output_distribution="normal")),
             "l2": ([{"scale": {"by": "l2"}}], pre.Normalizer()),
             "zscore, pca": ([{"scale": {"by": "zscore"}}, {"pca": {}}], make_pipeline(pre.StandardScaler(), PCA(svd_solver="full")))}
    headers = {"adult.train.csv.zst": 15, "auto_imports.csv": 26, "horse-colic.csv": 28, "mammography.csv": 7,
               "pima-indians-diabetes.csv": 9, "winequality-white.csv": 12}
    worst = {name: (0.0, "") for name in steps}
    seconds = {name: [0.0, 0.0] for name in steps}
    files = sorted((args.data / "tabular").glob("*.csv*")) + sorted((args.data / "tabular/sklearn").glob("*.csv*"))
    count = 0
    for path in files:
        data = path.read_bytes()
        data = read_zst(path) if path.suffix == ".zst" else gzip.decompress(data) if path.suffix == ".gz" else data
        rows = list(csv.reader(io.StringIO(data.decode()), skipinitialspace=True))
        if len(set(map(len, rows[:50]))) != 1 or len(rows[0]) < 2:
            continue
        names = [f"c{i}" for i in range(headers.get(path.name, 0))]
        if not names and all(re.fullmatch("[-+0-9.e]+", cell) for cell in rows[0]):
            names = [f"c{i}" for i in range(len(rows[0]))]
        header = names or rows[0]
        body = [row for row in (rows if names else rows[1:]) if len(row) == len(header)]
        for name, (then, peer) in steps.items():
            with tempfile.NamedTemporaryFile(suffix=".csv") as table, tempfile.NamedTemporaryFile() as out:
                table.write(data)
                table.flush()
                spec = {"features": [{"columns": "numbers", "encode": "numbers", "then": [impute, *then]}]}
                run = subprocess.run([args.binary, "matrix", table.name, json.dumps(spec), out.name, *names], capture_output=True, text=True)
                if run.returncode != 0:
                    print(path.name, run.stderr.strip()[:150])
                    break
                result = json.loads(run.stdout)
                ours = np.frombuffer(pathlib.Path(out.name).read_bytes()).reshape(result["rows"], result["columns"])

            def number(cell):
                try:
                    return float(cell)
                except ValueError:
                    return float("nan")
            places = [header.index(one) for one in result["inputs"]]
            x = np.array([[number(row[i]) for i in places] for row in body])
            if len(x) != len(ours):
                print(path.name, "has", len(ours), "rows for", len(x))
                break
            x = SimpleImputer(strategy="median").fit_transform(x)
            begin = time.perf_counter()
            expected = peer.fit_transform(x)
            seconds[name][0] += result["seconds"]
            seconds[name][1] += time.perf_counter() - begin
            keep = slice(None)
            if "pca" in name:  # directions of no variance are any
                keep = np.std(expected, axis=0) > 1e-6 * np.std(expected, axis=0).max()
            scale = np.maximum(np.abs(expected[:, keep]), np.abs(expected[:, keep]).max(axis=0) * 1e-3 + 1e-12)
            difference = float((np.abs(ours[:, keep] - expected[:, keep]) / scale).max())
            worst[name] = max(worst[name], (difference, path.name))
        else:
            count += 1
    print(f"\n{count} tables\n\n| step | largest relative difference | Athanor, s | scikit-learn, s |\n|---|---|---|---|")
    for name, (difference, where) in worst.items():
        print(f"| {name} | {difference:.1e} ({where}) | {seconds[name][0]:.2f} | {seconds[name][1]:.2f} |")


def pictures():
    import numpy as np
    from PIL import Image
    out = []
    for name in ("kodak.tar", "skimage-samples.tar"):
        with tarfile.open(args.data / "images" / name) as tar:
            for member in tar:
                if member.name.lower().endswith((".png", ".jpg", ".jpeg")) and "truncated" not in member.name:
                    image = Image.open(tar.extractfile(member))
                    if image.mode in ("RGB", "L") and min(image.size) >= 64:
                        out.append(np.asarray(image.convert("RGB")))
    return out


def image_rows():
    """Each filter over all pictures; colours of what they are, the others of their grey. Answers are compared, too."""
    import numpy as np
    from skimage import exposure, feature, filters
    colored = pictures()
    grey = [np.asarray(np.rint(image @ [0.299, 0.587, 0.114]), dtype=np.uint8) for image in colored]

    def colors(image):
        counts = np.array([exposure.histogram(image[..., c], source_range="dtype")[0] for c in range(3)])
        return counts.reshape(3, 16, 16).sum(axis=2) / (image.size / 3)

    peers = {"colors": (colored, colors),
             "sobel": (grey, lambda image: filters.sobel(image / 255)),
             "canny": (grey, lambda image: feature.canny(image / 255)),
             "hog": (grey, lambda image: feature.hog(image.astype(float))),
             "lbp": (grey, lambda image: feature.local_binary_pattern(image, 8, 1, "uniform"))}
    pixels = sum(image.size for image in grey) / 1e6
    print(f"\n{len(grey)} pictures, {pixels:.1f} million pixels\n\n| filter | Athanor, million pixels a CPU second | scikit-image | "
          "ratio (spread) | largest difference |\n|---|---|---|---|---|")
    with tempfile.NamedTemporaryFile() as file, tempfile.NamedTemporaryFile() as out:
        for name, (images, peer) in peers.items():
            with open(file.name, "wb") as to:
                for image in images:
                    shape = (image.shape[1], image.shape[0], image.shape[2] if image.ndim == 3 else 1)
                    to.write(np.array(shape, dtype="<i8").tobytes() + np.ascontiguousarray(image).tobytes())
            ours, theirs, ratios = [], [], []
            for _ in range(args.rounds):
                run = subprocess.run([args.binary, "image", file.name, name, out.name], check=True, capture_output=True, text=True)
                ours.append(json.loads(run.stdout)["cpu"])
                begin = time.process_time()
                expected = [peer(image) for image in images]
                theirs.append(time.process_time() - begin)
                ratios.append(theirs[-1] / ours[-1])
            found = np.fromfile(out.name)
            expected = np.concatenate([np.asarray(one, dtype=float).ravel() for one in expected])
            assert len(found) == len(expected), (name, len(found), len(expected))
            different = np.count_nonzero(np.abs(found - expected) > 1e-6)
            print(f"| {name} | {pixels / statistics.median(ours):.1f} | {pixels / statistics.median(theirs):.2f} | "
                  f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}) | {np.abs(found - expected).max():.1e}, "
                  f"{different} of {len(found)} beyond 1e-6 |", flush=True)


PARTS = {"text": text_rows, "chinese": chinese_rows, "tables": table_rows, "image": image_rows}
for part in args.only or PARTS:
    PARTS[part]()
