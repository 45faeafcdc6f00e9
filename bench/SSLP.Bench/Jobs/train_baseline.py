"""A plain PyTorch training loop as a co-process: does some steps once for every line on stdin and answers their milliseconds.
Arguments: batch side width threads steps. Its first line is "ready" and torch's version, between tabs."""
import sys
import time

import torch
import torchvision

batch, side, width, threads, steps = (int(a) for a in sys.argv[1:6])
torch.set_num_threads(threads)
network = torchvision.models.resnet18()
network.fc = torch.nn.Linear(network.fc.in_features, width)
network.train()
optimizer = torch.optim.SGD(network.parameters(), lr=0.015, momentum=0.9, weight_decay=1e-4)
images = torch.randn(batch, 3, side, side)
gradient = torch.randn(batch, width)


def run():
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.normalize(network(images)).backward(gradient)
        optimizer.step()


print("ready", torch.__version__, sep="\t", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    run()
    print((time.perf_counter() - start) * 1e3, flush=True)
