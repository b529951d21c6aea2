"""PyTorch's side of the tensor benchmarks: the cases of tensors.mjs, line by line; eager where ours is compiled."""

import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn, optim

torch.set_num_threads(len(os.sched_getaffinity(0)))


def pointwise(op, *shape):
    a, b = torch.randn(*shape), torch.randn(*shape)
    return lambda: op(a, b)


def four_ops():
    x, w, b = torch.randn(4, 4), torch.randn(4, 4, requires_grad=True), torch.randn(4, 4, requires_grad=True)

    def step():
        w.grad = None
        b.grad = None
        x.mul(w).add(b).tanh().sum().backward()

    return step


def gelu_chain(x, _):
    cubic = x.mul(x).mul(x).mul(0.044715)
    return x.add(cubic).mul(0.7978845608).tanh().add(1).mul(x).mul(0.5)


def layer_norm():
    x, w, b = torch.randn(512, 1024), torch.randn(1024), torch.randn(1024)
    return lambda: F.layer_norm(x, [1024], w, b)


def lgamma():
    x = torch.rand(100_000).mul(20)
    return lambda: x.lgamma()


def embedding_backward():
    weight = torch.randn(50_000, 128, requires_grad=True)
    index, g = torch.randint(0, 50_000, (8192,)), torch.randn(8192, 128)

    def step():
        weight.grad = None
        F.embedding(index, weight).backward(g)

    return step


def conv():
    x, w = torch.randn(8, 64, 32, 32), torch.randn(64, 64, 3, 3)
    return lambda: F.conv2d(x, w, None, padding=1)


def transformer_block():
    options = {"dim_feedforward": 1024, "dropout": 0, "activation": "gelu", "batch_first": True, "norm_first": True}
    block, x = nn.TransformerEncoderLayer(256, 4, **options), torch.randn(8, 64, 256)

    def step():
        block.zero_grad()
        block(x).sum().backward()

    return step


def tiny():
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.randn(4, 2), torch.randn(4, 1)

    def step():
        optimizer.zero_grad()
        F.mse_loss(model(x), y).backward()
        optimizer.step()

    return step


def mlp(optimizer):
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    return train(model, optimizer(model.parameters()), torch.randn(64, 784), 64)


def cnn():
    body = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    head = [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 7 * 7, 10)]
    model = nn.Sequential(*body, *head)
    return train(model, optim.SGD(model.parameters(), lr=0.01), torch.randn(32, 1, 28, 28), 32)


def train(model, optimizer, images, batch):
    labels = torch.randint(0, 10, (batch,))

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def drop():
    a = torch.ones(2048, 2048)
    for i in range(64):
        a.add(i)


CASES = {
    "add [4,4]": lambda: pointwise(lambda a, b: a.add(b), 4, 4),
    "matmul [4,4]": lambda: pointwise(lambda a, b: a.matmul(b), 4, 4),
    "mul [4,4]": lambda: pointwise(lambda a, b: a.mul(b), 4, 4),
    "view [4,4]": lambda: pointwise(lambda a, b: a.view(16), 4, 4),
    "tanh 1M": lambda: pointwise(lambda a, b: a.tanh(), 1000, 1000),
    "exp 1M": lambda: pointwise(lambda a, b: a.exp(), 1000, 1000),
    "sigmoid 1M": lambda: pointwise(lambda a, b: a.sigmoid(), 1000, 1000),
    "GELU chain 1M": lambda: pointwise(gelu_chain, 1000, 1000),
    "softmax 512x1024": lambda: pointwise(lambda a, b: a.softmax(1), 512, 1024),
    "layerNorm 512x1024": layer_norm,
    "sum 4M": lambda: pointwise(lambda a, b: a.sum(), 2048, 2048),
    "var rows 4M": lambda: pointwise(lambda a, b: a.var(1), 2048, 2048),
    "argmax rows 4M": lambda: pointwise(lambda a, b: a.argmax(1), 2048, 2048),
    "sort 1M": lambda: pointwise(lambda a, b: a.sort(), 1_000_000),
    "topk 100 of 1M": lambda: pointwise(lambda a, b: a.topk(100), 1_000_000),
    "randn 1M": lambda: lambda: torch.randn(1_000_000),
    "dropout 1M": lambda: pointwise(lambda a, b: F.dropout(a, 0.5), 1000, 1000),
    "transpose copy 2048": lambda: pointwise(lambda a, b: a.t().contiguous(), 2048, 2048),
    "lgamma 100k": lgamma,
    "embedding backward 8192 of 50k x 128": embedding_backward,
    "conv 8x64x32x32 k3": conv,
    "transformer block d256": transformer_block,
    "add 16M": lambda: pointwise(lambda a, b: a.add(b), 4096, 4096),
    "matmul 64": lambda: pointwise(lambda a, b: a.matmul(b), 64, 64),
    "matmul 256": lambda: pointwise(lambda a, b: a.matmul(b), 256, 256),
    "matmul 512": lambda: pointwise(lambda a, b: a.matmul(b), 512, 512),
    "matmul 1024": lambda: pointwise(lambda a, b: a.matmul(b), 1024, 1024),
    "4 ops forward + backward": four_ops,
    "tiny MLP": tiny,
    "MLP b64 SGD": lambda: mlp(lambda parameters: optim.SGD(parameters, lr=0.01)),
    "MLP b64 Adam": lambda: mlp(lambda parameters: optim.Adam(parameters, lr=1e-3)),
    "CNN b32 SGD": cnn,
    "drop 1 GB": lambda: drop,
}

ready = {}
for line in sys.stdin:
    request = json.loads(line)
    name = request["case"].removesuffix(", compiled")
    step = ready.get(name) or ready.setdefault(name, CASES[name]())
    if request.get("threads"):
        torch.set_num_threads(request["threads"])
    start = time.perf_counter()
    for _ in range(request["count"]):
        step()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)
