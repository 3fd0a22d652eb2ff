"""Writes tests/fixtures/model/recurrent/: recurrent language models as PyTorch computes them.

Made with torch 2.13.0 (recorded in versions.json).
  python3 tests/parity/make_recurrent_fixtures.py [OUT_FOLDER]

Each case: embedding, torch.nn.{RNN,LSTM,GRU}, a head without bias (the embedding's own matrix where tied). A row holds
several documents; each is read by PyTorch alone, from a state of zeros. <case>.safetensors: param.*, tokens, targets (-1:
not asked), documents, logits, loss (mean over the targets) and grad.*. With "bptt" the gradient is cut every so many steps.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

torch.set_num_threads(1)
out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "fixtures/model/recurrent")
out.mkdir(parents=True, exist_ok=True)
VOCAB, WIDTH, LENGTH = 37, 12, 14
KINDS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
CASES = {f"{kind}_{'tied' if tied else 'untied'}": dict(family=kind, tied=tied, layers=layers, bptt=0)
         for kind, tied, layers in [("rnn", False, 1), ("lstm", False, 2), ("lstm", True, 1), ("gru", True, 2)]}
CASES["lstm_bptt"] = dict(family="lstm", tied=False, layers=2, bptt=5)


class Model(torch.nn.Module):
    def __init__(self, family, tied, layers, bptt):
        super().__init__()
        self.bptt = bptt
        self.embedding = torch.nn.Embedding(VOCAB, WIDTH)
        self.rnn = KINDS[family](WIDTH, WIDTH, layers, batch_first=True)
        self.head = torch.nn.Linear(WIDTH, VOCAB, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def read(self, tokens):
        x, state, parts = self.embedding(tokens), None, []
        step = self.bptt or tokens.shape[1]
        for begin in range(0, tokens.shape[1], step):
            y, state = self.rnn(x[:, begin:begin + step], state)
            parts.append(y)
            state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        return self.head(torch.cat(parts, 1))


for name, case in CASES.items():
    torch.manual_seed(11)
    model = Model(**case)
    tokens = torch.randint(VOCAB, (3, LENGTH))
    targets = torch.randint(VOCAB, (3, LENGTH))
    targets[1, 4:6] = -1
    documents = torch.zeros(3, LENGTH, dtype=torch.int32)
    documents[1, 6:] = 1
    documents[2, 3:9] = 1
    documents[2, 9:] = 2
    logits = torch.zeros(3, LENGTH, VOCAB)
    rows = []
    for b in range(3):
        parts = [model.read(tokens[b:b + 1, documents[b] == d]) for d in documents[b].unique()]
        rows.append(torch.cat(parts, 1))
    logits = torch.cat(rows)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
    loss.backward()
    tensors = {"tokens": tokens, "targets": targets, "documents": documents, "logits": logits.detach(), "loss": loss.detach()}
    for key, parameter in model.named_parameters():
        tensors["param." + key] = parameter.detach().clone()
        tensors["grad." + key] = parameter.grad
    save_file({key: value.contiguous() for key, value in tensors.items()}, out / f"{name}.safetensors")
(out / "cases.json").write_text(json.dumps({"vocab_size": VOCAB, "hidden_size": WIDTH, "length": LENGTH, "cases": CASES}, indent=1) + "\n")
(out / "versions.json").write_text(json.dumps({"torch": torch.__version__}) + "\n")
