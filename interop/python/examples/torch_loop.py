"""Feeds a PyTorch loop from slides: python3 torch_loop.py SLIDES"""
import sys

import torch

import sslp
from sslp.torch import PatchDataset

model = torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 7, 4), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
dataset = PatchDataset(sslp.Context(threads=2).tile(sys.argv[1], patch=128), batch_size=8, seed=1)
for epoch in range(2):
    for pixels, patches in torch.utils.data.DataLoader(dataset, batch_size=None):
        images = pixels.permute(0, 3, 1, 2).float() / 255
        loss = torch.nn.functional.mse_loss(model(images), images.mean((2, 3)))
        optimizer.zero_grad(), loss.backward(), optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f} after {len(dataset)} batches")
