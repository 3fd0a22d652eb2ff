"""Fixtures of the room `feature`: what scikit-learn makes of small tables. scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1.

  PYTHONPATH=<scikit-learn> python3 tests/parity/make_feature_fixtures.py
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import preprocessing as pre
from sklearn.datasets import load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import Ridge

OUT = pathlib.Path(__file__).parents[1] / "fixtures/feature"
rng = np.random.default_rng(7)
warnings.simplefilter("ignore")


def numbers(array):
    array = np.asarray(array.todense() if hasattr(array, "todense") else array, dtype=float)
    return [[None if np.isnan(v) else float(v) for v in row] for row in array]


def write(name, content):
    content["made_with"] = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    path = OUT / name
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(path.name, path.stat().st_size)


def transforms():
    x = load_wine().data[rng.permutation(178)][:70, :5]
    x[:, :3] += rng.normal(size=(70, 3)) * 1e-3  # no ties of distances: scikit-learn takes any of them
    x[:, 3] = np.round(x[:, 3])  # ties of values
    x[:, 4] = 3.0  # constant
    x = np.column_stack([x, rng.normal(size=70) * 1e6, rng.integers(0, 3, 70) - 1.0])
    with_gaps = x.copy()
    with_gaps[rng.random(x.shape) < 0.15] = np.nan
    train, test = slice(0, 50), slice(50, 70)
    cases = []

    def case(kind, options, step, data, positive=False, first=None):
        columns = data[:, :first] if first else data[:, :4] if positive else data
        fitted = step.fit(columns[train])
        cases.append({"kind": kind, "options": options, "data": "gaps" if data is with_gaps else "full",
                      "columns": columns.shape[1], "fit": numbers(fitted.transform(columns[train])),
                      "apply": numbers(fitted.transform(columns[test]))})

    for by, strategy in (("mean", "mean"), ("median", "median"), ("mode", "most_frequent")):
        case("impute", {"by": by}, SimpleImputer(strategy=strategy), with_gaps)
    case("impute", {"by": "constant", "value": -1}, SimpleImputer(strategy="constant", fill_value=-1), with_gaps)
    case("impute", {"by": "median", "indicators": True}, SimpleImputer(strategy="median", add_indicator=True), with_gaps)
    case("impute", {"by": "knn"}, KNNImputer(), with_gaps, first=3)
    case("impute", {"by": "knn", "neighbors": 3, "weights": "distance"}, KNNImputer(n_neighbors=3, weights="distance"), with_gaps,
         first=3)
    case("impute", {"by": "model"}, IterativeImputer(Ridge(alpha=1.0), random_state=0), with_gaps)
    for data in (x, with_gaps):
        case("scale", {"by": "zscore"}, pre.StandardScaler(), data)
        case("scale", {"by": "minmax", "low": -1, "high": 2}, pre.MinMaxScaler((-1, 2)), data)
        case("scale", {"by": "robust", "from_quantile": 0.1, "to_quantile": 0.9}, pre.RobustScaler(quantile_range=(10, 90)), data)
        case("scale", {"by": "maxabs"}, pre.MaxAbsScaler(), data)
        case("scale", {"by": "quantile", "quantiles": 20}, pre.QuantileTransformer(n_quantiles=20, subsample=None), data)
    case("scale", {"by": "zscore", "center": False}, pre.StandardScaler(with_mean=False), x)
    case("scale", {"by": "quantile", "distribution": "normal"}, pre.QuantileTransformer(output_distribution="normal", subsample=None), x)
    case("scale", {"by": "power"}, pre.PowerTransformer(), x, positive=True)
    case("scale", {"by": "boxcox"}, pre.PowerTransformer("box-cox"), x, positive=True)
    for norm in ("l1", "l2", "max"):
        case("scale", {"by": norm}, pre.Normalizer(norm), x)
    case("polynomial", {"degree": 3}, pre.PolynomialFeatures(3, include_bias=False), x, positive=True)
    case("polynomial", {"degree": 2, "interactions_only": True},
         pre.PolynomialFeatures(2, interaction_only=True, include_bias=False), x)
    case("bins", {"bins": 4, "by": "uniform"}, pre.KBinsDiscretizer(4, encode="ordinal", strategy="uniform"), x)
    case("bins", {"bins": 5}, pre.KBinsDiscretizer(5, encode="ordinal", quantile_method="linear", subsample=None), x)
    case("bins", {"bins": 3, "onehot": True},
         pre.KBinsDiscretizer(3, encode="onehot-dense", quantile_method="linear", subsample=None), x)
    write("transforms.json", {"full": numbers(x), "gaps": numbers(with_gaps), "train": 50, "cases": cases})


def encoders():
    n, train = 120, 90
    colours = rng.choice(["red", "green", "blue", "teal", "\u7d2b"], n, p=[0.5, 0.3, 0.1, 0.06, 0.04]).astype(object)
    sizes = rng.choice(["S", "M", "L", None], n, p=[0.4, 0.3, 0.2, 0.1])
    colours[100] = "unseen"
    table = np.column_stack([colours, sizes])
    y_two = (rng.random(n) < np.where(colours == "red", 0.8, 0.3)).astype(int)
    y_three = rng.integers(0, 3, n)
    y_number = rng.normal(size=n) + (colours == "blue") * 3
    cases = []

    def case(kind, options, step, y=None, columns=(0, 1)):
        fitted = step.fit(table[:train][:, columns]) if y is None else step.fit(table[:train][:, columns], y[:train])
        cases.append({"kind": kind, "options": options, "columns": list(columns),
                      "target": None if y is None else {"two": y is y_two, "three": y is y_three, "number": y is y_number},
                      "apply": numbers(fitted.transform(table[:, columns]))})

    def onehot(**options):
        return pre.OneHotEncoder(handle_unknown=options.pop("unseen", "ignore"), sparse_output=False, **options)

    case("onehot", {}, onehot())
    case("onehot", {"min_frequency": 12}, onehot(min_frequency=12))
    case("onehot", {"min_frequency": 0.15, "unseen": "other"}, onehot(min_frequency=0.15, unseen="infrequent_if_exist"))
    case("onehot", {"max_levels": 3}, onehot(max_categories=3))
    case("ordinal", {"unseen": "minus_one"}, pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), columns=(0,))
    for y in (y_two, y_three, y_number):
        case("target", {}, pre.TargetEncoder(), y)
        case("target", {"smooth": 10}, pre.TargetEncoder(smooth=10.0), y)
    write("encoders.json", {"train": train, "table": [[None if v is None else str(v) for v in row] for row in table],
                            "two": y_two.tolist(), "three": y_three.tolist(), "number": y_number.tolist(), "cases": cases})


TEXTS = ["The quick brown fox, the lazy dog.", "the THE The", "", "a b c dd", "Stra\u00dfe na\u00efve caf\u00e9 \u0130stanbul",
         "\u039f\u0394\u039f\u03a3 \u03a3\u03bf\u03c6\u03af\u03b1", "one_two 3.14 x2 \u2164\u00b2 \u0665\u0666",
         "tabs\tand  two   blanks\nlines", "\u673a\u5668\u5b66\u4e60 abc\u5b66", "e\u0301te\u0301 re\u0301sume\u0301", "dog dog dog cat",
         "the cat and the dog", "\u0433\u043e\u0440\u043e\u0434 \u0413\u041e\u0420\u041e\u0414", "don't stop-me now", "\U0001f600\U0001f600 emoji ok"]
NEW = ["the new fox and a cat", "unknown words only here", "", "caf\u00e9 dog dog"]


def texts():
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
    cases = []

    def case(kind, options, step):
        fitted, applied = step.fit_transform(TEXTS).tocsr(), step.transform(NEW).tocsr()
        names = step.get_feature_names_out() if kind != "hashing" else None

        def rows(matrix):
            out = []
            for r in range(matrix.shape[0]):
                row = {}
                for i in range(matrix.indptr[r], matrix.indptr[r + 1]):
                    if matrix.data[i] != 0:
                        key = str(matrix.indices[i]) if names is None else names[matrix.indices[i]]
                        row[key] = float(matrix.data[i])
                out.append(row)
            return out

        cases.append({"kind": kind, "options": options, "columns": fitted.shape[1],
                      "terms": [] if names is None else list(names), "fit": rows(fitted), "apply": rows(applied)})

    no = {"chinese": "no"}
    case("words", no, CountVectorizer())
    case("words", {**no, "ngrams": 3, "ngrams_from": 2, "stop_words": ["the", "and"]},
         CountVectorizer(ngram_range=(2, 3), stop_words=["the", "and"]))
    case("words", {**no, "binary": True, "lowercase": False}, CountVectorizer(binary=True, lowercase=False))
    case("words", {**no, "strip_accents": True}, CountVectorizer(strip_accents="unicode"))
    case("words", {**no, "min_df": 2, "max_df": 0.25}, CountVectorizer(min_df=2, max_df=0.25))
    case("words", {**no, "max_features": 2}, CountVectorizer(max_features=2))
    case("words", {**no, "analyzer": "chars", "ngrams": 3}, CountVectorizer(analyzer="char", ngram_range=(1, 3)))
    case("words", {**no, "analyzer": "chars_wb", "ngrams": 5, "ngrams_from": 2},
         CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)))
    case("tfidf", no, TfidfVectorizer())
    case("tfidf", {**no, "sublinear": True, "norm": "l1", "smooth": False, "ngrams": 2},
         TfidfVectorizer(sublinear_tf=True, norm="l1", smooth_idf=False, ngram_range=(1, 2)))
    case("tfidf", {**no, "idf": False, "norm": "none"}, TfidfVectorizer(use_idf=False, norm=None))
    case("hashing", no, HashingVectorizer())
    case("hashing", {**no, "features": 16, "norm": "none"}, HashingVectorizer(n_features=16, norm=None))
    case("hashing", {**no, "features": 1000, "alternate_sign": False, "norm": "l1", "analyzer": "chars", "ngrams": 2},
         HashingVectorizer(n_features=1000, alternate_sign=False, norm="l1", analyzer="char", ngram_range=(1, 2)))
    write("texts.json", {"texts": TEXTS, "new": NEW, "cases": cases})


SENTENCES = """今天的天气非常好我们决定去公园散步
这家酒店的服务态度很差房间也不干净
机器学习需要大量的数据和计算资源
他昨天下午在图书馆借了三本历史书
中国的经济在过去四十年里发展得很快
医生建议病人每天早上跑步半个小时
这个软件的新版本修复了许多安全问题
老师要求学生在星期五之前交作业
研究人员发现了一种新的治疗方法
春天来了花园里的花都开了
公司计划明年在上海开设新的办公室
孩子们高兴地在沙滩上玩耍
火车站附近有一家味道不错的餐馆
我认为这本小说的结尾不太合理
政府宣布将降低小企业的税收
手机电池的使用时间越来越长
科学家正在研究气候变化对海洋的影响
他虽然很累但是仍然坚持完成了工作
请把窗户打开让新鲜空气进来
这座城市的地铁系统非常方便
音乐会将于晚上八点在人民广场举行
她从小就喜欢画画长大后成了一名设计师
网络上的信息并不都是真实可靠的
足球比赛因为大雨推迟到了下个星期
这种水果含有丰富的维生素
我们应该保护环境减少污染
邻居家的小狗每天晚上都叫个不停
会议讨论了公司未来的发展方向
博物馆里展出了许多古代的艺术品
银行的工作人员耐心地回答了顾客的问题""".split("\n")


def chinese():
    import jieba  # 0.42.1, its dictionary: MIT
    sentences = [{"text": text, "dictionary": jieba.lcut(text, HMM=False), "hmm": jieba.lcut(text)} for text in SENTENCES]
    write("chinese_words.json", {"jieba": jieba.__version__, "sentences": sentences})


def selection():
    from scipy import sparse, stats
    from sklearn import feature_selection as fs
    from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
    x = load_wine().data[:, [0, 1, 3, 6, 9, 12]]
    order = rng.permutation(178)[:90]
    x, classes = x[order], load_wine().target[order]
    x = x + rng.normal(size=x.shape) * 1e-3  # no ties: scikit-learn's estimators of mutual information break them by chance
    levels = rng.integers(0, 4, 90).astype(float)
    x = np.column_stack([x, levels])
    number = x[:, 1] * 2 + np.sin(x[:, 0]) + rng.normal(size=90) * 0.1
    discrete = [False] * 6 + [True]
    counts = rng.poisson(1.0, (90, 12)) * (rng.random((90, 12)) < 0.4)
    scores = {
        "variance": np.var(x, axis=0),
        "chi2": fs.chi2(np.abs(x), classes)[0], "f_classif": fs.f_classif(x, classes)[0],
        "f_regression": fs.f_regression(x, number)[0], "pearson": np.abs(fs.r_regression(x, number)),
        "spearman": np.abs([stats.spearmanr(column, number).statistic for column in x.T]),
        "mutual_classes": fs.mutual_info_classif(x, classes, discrete_features=discrete, random_state=0),
        "mutual_number": fs.mutual_info_regression(x, number, discrete_features=discrete, random_state=0),
        "sparse_f_classif": fs.f_classif(sparse.csr_matrix(counts, dtype=float), classes)[0],
        "sparse_chi2": fs.chi2(sparse.csr_matrix(counts, dtype=float), classes)[0]}
    train = 70
    pca = []

    def case(kind, options, step, data):
        step.fit(data[:train])
        pca.append({"kind": kind, "options": options, "data": "wide" if data is wide else "x",
                    "apply": numbers(step.transform(data[train:]))})

    wide = rng.normal(size=(90, 8)) @ rng.normal(size=(8, 200)) * 3 + rng.normal(size=(90, 200)) * 0.1
    wide = np.round(wide, 3)
    case("pca", {"components": 4}, PCA(4, svd_solver="full"), x)
    case("pca", {"whiten": True}, PCA(whiten=True, svd_solver="full"), x)
    case("pca", {"components": 0.9}, PCA(0.9, svd_solver="full"), x)
    case("pca", {"components": 5}, PCA(5, svd_solver="full"), wide)
    case("pca", {"components": 5, "solver": "randomized", "iterations": 12}, PCA(5, svd_solver="full"), wide)
    case("pca", {"components": 3, "solver": "incremental", "batch_rows": 16}, IncrementalPCA(3, batch_size=16), x)
    case("truncated_svd", {"components": 5, "iterations": 12}, TruncatedSVD(5, algorithm="arpack"), wide)
    write("selection.json", {"x": numbers(x), "classes": classes.tolist(), "number": number.tolist(), "counts": numbers(counts),
                             "scores": {k: [float(v) for v in s] for k, s in scores.items()}, "train": train,
                             "wide": numbers(wide), "cases": pca})


def ties():
    """Mutual information where numbers are equal: lowest and highest score of scikit-learn over 40 seeds of its noise."""
    from sklearn import feature_selection as fs
    from sklearn.datasets import load_diabetes
    x, number = load_diabetes(return_X_y=True, scaled=False)
    x = x[:, [1, 2, 3, 7, 8]]  # sex (two values), bmi, bp, s4, s5; the target is whole numbers
    discrete = [True, False, False, False, False]
    classes = np.digitize(number, [100, 180])
    scores = {}
    for name, score, target in (("number", fs.mutual_info_regression, number), ("classes", fs.mutual_info_classif, classes)):
        all_seeds = np.array([score(x, target, discrete_features=discrete, random_state=seed) for seed in range(40)])
        scores[name] = {"low": all_seeds.min(0).tolist(), "high": all_seeds.max(0).tolist()}
    write("selection_ties.json", {"x": numbers(x), "classes": classes.tolist(), "number": number.tolist(), "scores": scores})


def images():
    import skimage  # 0.26.0
    from skimage import feature, filters
    rows, columns = np.mgrid[0:40, 0:40]
    image = 90 + 60 * np.sin(rows / 5.0) * np.cos(columns / 7.0) + rng.normal(size=(40, 40)) * 12
    image[8:22, 10:30] += 80
    image[28:36, 4:12] = 30  # flat
    image = np.clip(image, 0, 255).astype(np.uint8)
    write("images.json", {"scikit-image": skimage.__version__, "image": image.tolist(),
                          "sobel": numbers(filters.sobel(image / 255.0)), "canny": feature.canny(image / 255.0).astype(int).tolist(),
                          "hog": [float(v) for v in feature.hog(image.astype(float))],
                          "lbp": feature.local_binary_pattern(image, 8, 1, "uniform").astype(int).tolist()})


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    transforms()
    encoders()
    texts()
    chinese()
    selection()
    images()
    ties()
