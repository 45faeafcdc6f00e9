"""Patches for any PyTorch training loop: a torch.utils.data.IterableDataset over the library's loader."""

from typing import Any, Iterator, Tuple

import torch
from torch.utils.data import IterableDataset, get_worker_info

from ._core import Patches
from ._loader import Loader


class PatchDataset(IterableDataset):
    """Batches (pixels uint8 [B, P, P, 3], patches int64 [B]) of an epoch, without a copy; each pass over it is the next epoch. Who keeps as
    many batches as there are slots gets copies from there on.

    Use it as it is, or with DataLoader(dataset, batch_size=None): it reads with threads of its own, so num_workers stays 0. Options as of
    sslp.Loader.
    """

    def __init__(self, patches: Patches, batch_size: int = 64, seed: int = 0, **options: Any) -> None:
        super().__init__()
        self.loader = Loader(patches, batch_size, seed, **options)
        self.epoch = 0

    def __len__(self) -> int:
        return self.loader.batches_per_epoch

    def set_epoch(self, epoch: int) -> None:
        """The epoch of the next pass: with the seed it fixes the order."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Tuple[torch.Tensor, torch.Tensor]]:
        if get_worker_info() is not None:
            raise RuntimeError("sslp's loader reads with threads of its own, which a forked worker has not: use DataLoader with "
                               "num_workers=0.")
        number, self.epoch = self.epoch, self.epoch + 1
        following, copies = 0, False
        while following < len(self):
            for batch in self.loader.epoch(number, following):
                following = batch.index + 1
                patches = torch.from_numpy(batch.patches.astype("int64"))
                pixels = torch.from_dlpack(batch)
                yield (pixels.clone() if copies else pixels), patches
                del pixels
                if not copies and self.loader.is_full:
                    # Who keeps batches has all slots: those stay as they are, and from here on there are copies, in a ring of its own.
                    copies = True
                    break
