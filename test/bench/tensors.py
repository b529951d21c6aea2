"""PyTorch's side of the tensor benchmarks: the cases of tensors.mjs, line by line."""

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
    "view [4,4]": lambda: pointwise(lambda a, b: a.view(16), 4, 4),
    "add 16M": lambda: pointwise(lambda a, b: a.add(b), 4096, 4096),
    "matmul 64": lambda: pointwise(lambda a, b: a.matmul(b), 64, 64),
    "matmul 256": lambda: pointwise(lambda a, b: a.matmul(b), 256, 256),
    "matmul 512": lambda: pointwise(lambda a, b: a.matmul(b), 512, 512),
    "matmul 1024": lambda: pointwise(lambda a, b: a.matmul(b), 1024, 1024),
    "4 ops forward + backward": four_ops,
    "MLP b64 SGD": lambda: mlp(lambda parameters: optim.SGD(parameters, lr=0.01)),
    "MLP b64 Adam": lambda: mlp(lambda parameters: optim.Adam(parameters, lr=1e-3)),
    "CNN b32 SGD": cnn,
    "drop 1 GB": lambda: drop,
}

ready = {}
for line in sys.stdin:
    request = json.loads(line)
    step = ready.get(request["case"]) or ready.setdefault(request["case"], CASES[request["case"]]())
    start = time.perf_counter()
    for _ in range(request["count"]):
        step()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}), flush=True)
