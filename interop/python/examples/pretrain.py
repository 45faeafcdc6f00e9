"""Pretrains on a slide folder: python3 pretrain.py SLIDES RUN [KEY=VALUE]..."""
import sys

import sslp

options = dict(option.split("=", 1) for option in sys.argv[3:])
with sslp.Context(threads=2) as context:
    patches = context.tile(sys.argv[1], patch=int(options.get("patch", 256)), mpp=float(options.get("mpp", 0.5)))
    with sslp.Trainer(patches, sys.argv[2], **options) as trainer:
        for metrics in trainer:
            print(f"step {metrics.step} of {metrics.total_steps}: loss {metrics.loss!r}")
