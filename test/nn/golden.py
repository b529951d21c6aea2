"""Writes golden.json: layers of PyTorch with their weights, results and gradients, for golden.test.ts.

Run with a Python that has torch 2.15: python test/nn/golden.py. Seeded: the same file every time.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

SEED = 20261123
cases = []


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def encode(value):
    if not isinstance(value, torch.Tensor):
        return value
    data = [int(v) if value.dtype == torch.bool else round(v, 7) for v in value.detach().flatten().double().tolist()]
    data = [str(v) if v in (float("inf"), float("-inf")) else v for v in data]
    return {"shape": list(value.shape), "dtype": str(value.dtype).split(".")[1], "data": data}


def weights(t):
    return torch.arange(t.numel(), dtype=t.dtype).reshape(t.shape) % 7 * 0.25 + 0.5


def randn(*shape):
    return (torch.randn(*shape) * 64).round() / 64  # few digits


def record(make, args, options, inputs, call=None, train=False):
    """A layer `make(*args, **options)`, or the function of that name when args is None, on inputs; `call` has keyword arguments."""
    call = call or {}
    module = None
    if args is not None:
        module = getattr(nn, make)(*args, **options) if make != "TransformerEncoder" else nn.TransformerEncoder(nn.TransformerEncoderLayer(*args[0], **options), args[1])
        with torch.no_grad():
            for p in module.parameters():
                p.copy_(randn(*p.shape) / 4)
        module.train(train)
    given, leaves = [], {}
    for t in inputs:
        if id(t) not in leaves:
            leaves[id(t)] = t.clone().requires_grad_(t.is_floating_point())
        given.append(leaves[id(t)])
    result = (module or getattr(F, make))(*given, **call)
    results = [t for t in (result if isinstance(result, tuple) else [result]) if t is not None]
    parameters = list(module.parameters()) if module else []
    learned = [t for t in leaves.values() if t.requires_grad]
    grads = torch.autograd.grad(sum((t * weights(t)).sum() for t in results), learned + parameters)
    order = list(leaves)
    cases.append({
        "make": make if module else camel(make),
        "args": args,
        "options": {camel(k): v for k, v in options.items()},
        "state": {k: encode(v) for k, v in module.state_dict().items()} if module else None,
        "tensors": [encode(t) for t in leaves.values()],
        "inputs": [order.index(id(t)) for t in inputs],
        "call": {camel(k): encode(v) for k, v in call.items()},
        "results": [encode(t) for t in results],
        "grads": [encode(g) for g in grads],
    })


def attention():
    q, k, v = randn(2, 3, 5, 4), randn(2, 3, 6, 4), randn(2, 3, 6, 2)
    blind = torch.rand(2, 1, 5, 6) > 0.4
    blind[1, 0, 2] = False
    name = "scaled_dot_product_attention"
    record(name, None, {}, [q, k, v])
    record(name, None, {}, [q, k, v], {"is_causal": True, "scale": 0.3})
    record(name, None, {}, [q, k, v], {"attn_mask": blind})
    record(name, None, {}, [q, k, v], {"attn_mask": randn(5, 6)})
    record(name, None, {}, [randn(1, 4, 3, 4), randn(1, 2, 70, 4), randn(1, 2, 70, 4)], {"enable_gqa": True})
    record(name, None, {}, [randn(140, 3), randn(130, 3), randn(130, 2)], {"is_causal": True})


def layers():
    x, y, z = randn(3, 2, 8), randn(4, 2, 6), randn(4, 2, 5)
    padding = torch.tensor([[False, False, True], [False, False, False]])
    causal = torch.triu(torch.ones(3, 3, dtype=torch.bool), 1)
    record("MultiheadAttention", [8, 2], {}, [x, x, x])
    record("MultiheadAttention", [8, 2], {}, [x, x, x], {"need_weights": False, "attn_mask": causal, "is_causal": True})
    record("MultiheadAttention", [8, 4], {"kdim": 6, "vdim": 5, "bias": False}, [x, y, z], {"average_attn_weights": False})
    record("MultiheadAttention", [8, 2], {"batch_first": True}, [x, x, x], {"attn_mask": randn(6, 2, 2)})
    record("MultiheadAttention", [8, 2], {"add_bias_kv": True, "add_zero_attn": True}, [x, x, x], {"key_padding_mask": padding})
    record("MultiheadAttention", [8, 2], {}, [x, randn(4, 2, 8).clone(), y.new_ones(4, 2, 8)], {"need_weights": False})
    record("MultiheadAttention", [8, 2], {}, [x[:, 0].clone(), x[:, 1].clone(), x[:, 1].clone()], {})
    for train in [False, True]:
        record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0.0}, [x], {}, train)
        record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0.0, "norm_first": True, "activation": "gelu", "batch_first": True}, [x], {}, train)
    record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0.0}, [x], {"src_key_padding_mask": padding, "src_mask": causal}, True)
    record("TransformerEncoderLayer", [8, 2, 6], {"dropout": 0.0, "bias": False, "layer_norm_eps": 0.01}, [x], {}, True)
    record("TransformerEncoder", [[8, 2, 6], 2], {"dropout": 0.0}, [x], {"mask": causal, "is_causal": True}, True)


torch.manual_seed(SEED)
attention()
layers()
path = pathlib.Path(__file__).with_name("golden.json")
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
path.write_text(f'{{"made": "python test/nn/golden.py", "torch": "{torch.__version__.split("+")[0]}", "seed": {SEED},"cases":[\n{lines}\n]}}\n')
