"""The peer of the pretraining benchmark: the same Llama-style model in idiomatic PyTorch eager.

  python3 bench/pretrain_peer.py [--shape large|char] [--bf16] [--steps N] [--optimizer]

Prints one line a repetition: wall and processor seconds a step (forward and backward; with --optimizer also clipping and fused AdamW).
"""
import argparse
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPES = {  # layers, heads, kv heads, width, intermediate, length, batch, vocabulary
    "large": (6, 6, 3, 384, 1024, 256, 16, 8192),
    "char": (4, 4, 4, 128, 384, 64, 12, 65),
}


def rope(x, cos, sin):
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin


class Block(nn.Module):
    def __init__(self, width, heads, kv_heads, inner):
        super().__init__()
        self.heads, self.kv_heads, self.head = heads, kv_heads, width // heads
        self.norm1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.Parameter(torch.ones(width))
        self.qkv = nn.Linear(width, (heads + 2 * kv_heads) * self.head, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x, cos, sin):
        b, t, c = x.shape
        h = F.rms_norm(x, (c,), self.norm1, 1e-5)
        q, k, v = self.qkv(h).split((self.heads * self.head, self.kv_heads * self.head, self.kv_heads * self.head), -1)
        q, k, v = (y.view(b, t, -1, self.head).transpose(1, 2) for y in (q, k, v))
        q, k = rope(q, cos, sin).to(v.dtype), rope(k, cos, sin).to(v.dtype)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, -1))
        gate, up = self.gate_up(F.rms_norm(x, (c,), self.norm2, 1e-5)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Model(nn.Module):
    def __init__(self, layers, heads, kv_heads, width, inner, length, batch, vocab):
        super().__init__()
        self.embed = nn.Embedding(vocab, width)
        self.blocks = nn.ModuleList(Block(width, heads, kv_heads, inner) for _ in range(layers))
        self.norm = nn.Parameter(torch.ones(width))
        self.head = nn.Linear(width, vocab, bias=False)
        d = width // heads
        angle = torch.outer(torch.arange(length).float(), 10000.0 ** (-torch.arange(0, d, 2).float() / d))
        self.register_buffer("cos", torch.cat((angle, angle), -1).cos())
        self.register_buffer("sin", torch.cat((angle, angle), -1).sin())
        self.apply(lambda m: nn.init.normal_(m.weight, std=0.02) if hasattr(m, "weight") else None)

    def forward(self, tokens, targets):
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        x = F.rms_norm(x, (x.shape[-1],), self.norm, 1e-5)
        return F.cross_entropy(self.head(x).flatten(0, 1), targets.flatten())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", default="large", choices=SHAPES)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--optimizer", action="store_true")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    shape = SHAPES[args.shape]
    length, batch, vocab = shape[5:]
    model = Model(*shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.randint(vocab, (batch, length + 1))
    for step in range(args.steps + 2):
        start, cpu = time.perf_counter(), time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            loss = model(ids[:, :-1], ids[:, 1:])
        loss.backward()
        if args.optimizer:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step >= 2:
            print(f"{time.perf_counter() - start:.6f} {time.process_time() - cpu:.6f}", flush=True)


main()
