"""Images as a modality: one object through which the other floors read, write, place and show pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from synthproof.core.run import Run
from synthproof.core.schema import Schema
from synthproof.data.image.dataset import ImageSet
from synthproof.data.image.embed import PixelEmbedder
from synthproof.data.image.scenes_io import read_pictures, write_pictures
from synthproof.data.image.write import to_picture


class ImageModality:
    """Pictures with labels: reading, writing, comparing, showing."""

    name: ClassVar[str] = "image"

    def infer(self, source: object, /) -> Schema:
        """Return the schema that the source's labels seem to have, with reasons."""
        return read_pictures(source).schema

    def read(self, source: object, /, *, schema: Schema | None = None) -> ImageSet:
        """Return the pictures in a folder, an archive or plain arrays; with boxes where there are some."""
        found = read_pictures(source)
        return found if schema is None else found.with_schema(schema)

    def write(self, data: ImageSet, target: Path, /) -> tuple[Path, ...]:
        """Write pictures in the kind they came in; scenes with their boxes."""
        return write_pictures(data, target)

    def embedder(self, train: ImageSet, /, *, run: Run | None = None) -> PixelEmbedder:
        """Return an embedder fitted on train only."""
        if run is not None:
            run.tick("embed", 0, 1)
        return PixelEmbedder().fit(train)

    def preview(self, synthetic: ImageSet, /, *, n: int) -> Mapping[str, Any]:
        """Return the first n synthetic pictures as PNG data addresses with their class. Never give it real data."""
        codes, names = synthetic.classes()
        rows = np.arange(min(n, synthetic.n_rows))
        shown = [
            {"class": names[codes[i]] if codes[i] >= 0 else "", "png": png_address(picture)}
            for i, picture in zip(rows.tolist(), synthetic.pixels(rows), strict=True)
        ]
        return {"side": synthetic.chain.side, "images": shown}


def png_address(picture: Any) -> str:
    """Return one square as a ``data:image/png`` address, 8 bits a channel."""
    eight = picture if picture.dtype == np.uint8 else (picture >> 8).astype(np.uint8)
    out = io.BytesIO()
    to_picture(eight).save(out, format="PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


__all__ = ["ImageModality", "png_address"]
