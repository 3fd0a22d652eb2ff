"""Writes tests/fixtures/token/chat/: what jinja2 and transformers make of templates and conversations.

    PYTHONPATH=... python3 tests/parity/make_chat_fixtures.py [--desk FOLDER]

expressions.jsonl   first the arguments of all; then {t: template, text | error}: the language, from chat_cases.py
conversations.json  {version, requests, families: [{name, source, licence, template, special, cases}]}, a case for each
                    request: {text, assistant} or {error}
--desk FOLDER: also every *.jinja and tokenizer_config.json there (templates whose licence keeps them out of the
repository), to FOLDER/desk.json in the same form.

Versions used: transformers 5.23.0, jinja2 3.1.6, Python 3.11.
"""

import argparse
import datetime
import json
import pathlib
import sys

import jinja2
import transformers
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils as ctu

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from chat_cases import REFUSED, XS, conversations, expressions  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/fixtures/token/chat"
NOW = datetime.datetime(2025, 7, 4, 9, 5, 0)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


ctu.datetime = Clock


def tokenizer_of(template, special):
    from tokenizers import Tokenizer, models

    made = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")))
    made.chat_template = template
    for name, text in special.items():
        made._special_tokens_map[name] = text
        if name not in made.SPECIAL_TOKENS_ATTRIBUTES:
            made.SPECIAL_TOKENS_ATTRIBUTES = made.SPECIAL_TOKENS_ATTRIBUTES + [name]
    return made


def expression_case(template, arguments):
    case = {"t": template}
    try:
        case["text"] = ctu._compile_jinja_template(template).render(**arguments)
        case["text"].encode()
        if " at 0x" in case["text"] or "<class '" in case["text"] or template in REFUSED:
            del case["text"]
            case["error"] = "refused by Athanor: " + (REFUSED.get(template) or "prints an address")
    except Exception as e:  # every kind: the point is that both sides refuse
        case.pop("text", None)
        case["error"] = type(e).__name__
    return case


def conversation_case(template, special, request):
    case = {}
    made = tokenizer_of(template, special)
    arguments = dict(request.get("arguments", {}))
    arguments = {**made.special_tokens_map, **arguments}
    try:
        case["text"] = made.apply_chat_template(
            request["messages"],
            tools=request.get("tools"),
            documents=request.get("documents"),
            add_generation_prompt=request.get("add_generation_prompt", False),
            continue_final_message=request.get("continue_final_message", False),
            tokenize=False,
            **request.get("arguments", {}),
        )
        if "generation" in template:
            messages = [{k: v for k, v in m.items() if v is not None} for m in request["messages"]]
            text, spans = ctu.render_jinja_template(
                [messages],
                tools=request.get("tools"),
                documents=request.get("documents"),
                chat_template=template,
                return_assistant_tokens_mask=True,
                add_generation_prompt=request.get("add_generation_prompt", False),
                continue_final_message=request.get("continue_final_message", False),
                **arguments,
            )
            # character to byte offsets, within the text (a continued message is cut); empty blocks have no bytes
            size = lambda n: len(text[0][:n].encode())
            case["assistant"] = [[size(a), size(b)] for a, b in spans[0] if size(a) < size(b)]
    except Exception as e:
        case["error"] = type(e).__name__ + ": " + str(e)[:100]
    return case


def special_of(config):
    names = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
    out = {}
    for name in names:
        value = config.get(name)
        value = value.get("content") if isinstance(value, dict) else value
        if value is not None:
            out[name] = value
    return out


def family(name, source, licence, template, special):
    cases = [conversation_case(template, special, request) for request in conversations()]
    return {"name": name, "source": source, "licence": licence, "template": template, "special": special,
            "cases": cases}


def templates_of(path):
    """(name, template, special tokens) of a file."""
    if path.suffix == ".jinja":
        yield path.stem, path.read_text(), {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>",
                                            "unk_token": "<unk>"}
        return
    config = json.loads(path.read_text())
    template = config.get("chat_template")
    for item in template if isinstance(template, list) else [{"name": "", "template": template}]:
        if item["template"]:
            stem = path.name.removesuffix("tokenizer_config.json").strip(".-") or path.parent.name
            yield stem + ("-" + item["name"] if item["name"] else ""), item["template"], special_of(config)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--desk")
    parser.add_argument("--only-expressions", action="store_true")
    args = parser.parse_args()
    cases = [expression_case(t, a) for t, a in expressions()]
    with open(OUT / "expressions.jsonl", "w") as f:
        for case in [XS, *cases]:
            f.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(len(cases), "expressions,", sum("error" in c for c in cases), "of them errors")
    if args.only_expressions:
        return
    version = f"transformers {transformers.__version__}, jinja2 {jinja2.__version__}"
    families = []
    for line in (OUT / "templates/SOURCES.tsv").read_text().splitlines():
        file, source, licence = line.split("\t")
        for name, template, special in templates_of(OUT / "templates" / file):
            families.append(family(name, source, licence, template, special))
    head = {"version": version, "requests": list(conversations())}
    (OUT / "conversations.json").write_text(
        json.dumps({**head, "families": families}, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(len(families), "families,", sum(len(f["cases"]) for f in families), "conversations")
    if args.desk:
        desk = pathlib.Path(args.desk)
        families = [family(n, str(p), "desk only", t, s)
                    for p in sorted([*desk.rglob("*.jinja"), *desk.rglob("*tokenizer_config.json")])
                    for n, t, s in templates_of(p)]
        (desk / "desk.json").write_text(json.dumps({**head, "families": families}, ensure_ascii=False))
        print(len(families), "desk families")


main()
