"""FAISS's GPU, where the package is built for one and the machine has one: it makes an index, the CPU searches it.

Making is where the time goes: k-means, and the nearest list of every vector. A single search takes the CPU less than a
GPU's round trip, and selecting among rows FAISS does on the CPU only.
"""

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from kb_server.ports import Vectors


def has_gpu(faiss: ModuleType) -> bool:
    """Tell whether this build of FAISS is for GPUs and finds one."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def filled_on_gpu(
    faiss: ModuleType,
    index: Any,  # noqa: ANN401 faiss has no types
    sample: Vectors,
    blocks: Iterable[tuple[int, Vectors]],
) -> Any:  # noqa: ANN401
    """Train an empty index on a sample and add the rows of all blocks, numbered from each block's start.

    The index comes back as one for the CPU. Raises RuntimeError where the GPU cannot, as when its memory is full.
    """
    resources = faiss.StandardGpuResources()
    trainer = faiss.index_cpu_to_gpu(resources, 0, faiss.IndexFlatIP(index.d))  # named, since FAISS does not keep it
    index.clustering_index = trainer
    index.train(sample)
    on_gpu = faiss.index_cpu_to_gpu(resources, 0, index)
    add(on_gpu, blocks)
    return faiss.index_gpu_to_cpu(on_gpu)


def add(index: Any, blocks: Iterable[tuple[int, Vectors]]) -> None:  # noqa: ANN401 faiss has no types
    """Add the rows of all blocks, numbered from each block's start."""
    for start, vectors in blocks:
        index.add_with_ids(vectors, np.arange(start, start + len(vectors), dtype=np.int64))
