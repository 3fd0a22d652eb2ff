#!/usr/bin/env python3
"""Makes tests/fixtures/train/optimizers.json: what PyTorch's own optimisers make of the same weights and gradients.

    make_optimizer_fixtures.py tests/fixtures/train/optimizers.json

Made with torch 2.13.0+cpu.
"""
import json
import sys

import torch

STEPS = 6
SHAPES = {"a.weight": (6, 5), "b.bias": (17,), "c.weight": (8, 12)}
LR = 0.02
CASES = [
    (dict(name="sgd", momentum=0), lambda p: torch.optim.SGD(p, lr=LR)),
    (dict(name="sgd", momentum=0.9), lambda p: torch.optim.SGD(p, lr=LR, momentum=0.9)),
    (dict(name="sgd", momentum=0.8, nesterov=True), lambda p: torch.optim.SGD(p, lr=LR, momentum=0.8, nesterov=True)),
    (dict(name="sgd", momentum=0.9, l2=0.1), lambda p: torch.optim.SGD(p, lr=LR, momentum=0.9, weight_decay=0.1)),
    (dict(name="adagrad"), lambda p: torch.optim.Adagrad(p, lr=LR)),
    (dict(name="adadelta"), lambda p: torch.optim.Adadelta(p, lr=LR)),
    (dict(name="rmsprop"), lambda p: torch.optim.RMSprop(p, lr=LR)),
    (dict(name="rmsprop", momentum=0.7, smoothing=0.95, l2=0.01),
     lambda p: torch.optim.RMSprop(p, lr=LR, momentum=0.7, alpha=0.95, weight_decay=0.01)),
    (dict(name="adam", beta2=0.999), lambda p: torch.optim.Adam(p, lr=LR)),
    (dict(name="adam", beta2=0.99, l2=0.1), lambda p: torch.optim.Adam(p, lr=LR, betas=(0.9, 0.99), weight_decay=0.1)),
    (dict(name="adamw", beta2=0.99, weight_decay=0.2),
     lambda p: torch.optim.AdamW(p, lr=LR, betas=(0.9, 0.99), weight_decay=0.2)),
    # fp32 inside: the reference rounds to bf16, which a test of the iteration's own properties covers
    (dict(name="muon", weight_decay=0.1, momentum=0.95),
     lambda p: torch.optim.Muon([q for q in p if q.dim() == 2], lr=LR, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")),
]


def tensors(generator):
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def main():
    generator = torch.Generator().manual_seed(3)
    begin = tensors(generator)
    grads = [tensors(generator) for _ in range(STEPS)]
    cases = []
    for options, make in CASES:
        weights = {name: value.clone().requires_grad_(True) for name, value in begin.items()}
        optimizer = make(list(weights.values()))
        for step in grads:
            for name, weight in weights.items():
                weight.grad = step[name].clone()
            optimizer.step()
        result = {name: value.detach().flatten().tolist() for name, value in weights.items()
                  if options["name"] != "muon" or value.dim() == 2}
        cases.append({"options": options, "weights": result})
    flat = lambda group: {name: value.flatten().tolist() for name, value in group.items()}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"torch": torch.__version__, "lr": LR, "shapes": SHAPES, "begin": flat(begin),
                   "grads": [flat(step) for step in grads], "cases": cases}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
