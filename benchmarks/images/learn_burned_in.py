"""Learn the numbers of the finder of burned-in text; writes src/synthproof/engines/finders/burned_in.npz.

Run: python benchmarks/images/learn_burned_in.py [--minutes 2] [--state FILE]     (goes on where FILE stopped)

Pictures: chest X-rays of the training share of persons, at 96 px and enlarged up to 512, cells under the microscope as
pictures full of detail without text. Text: fonts and strings of the fold ``tuning``. Never used here: the other
persons' X-rays, the set ``chest_xray_covid``, fonts and strings of ``held_out``. Needs torch; the finder does not.

The numbers kept were learned in two parts: 3,750 steps on crops of 96 px that ended at the border of the crop, which
taught the network to see text in every corner, then 3,300 steps (1,200 to 4,500 of the schedule) as written here.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from folds import cells, folds_of_persons

from _machine import data_dir
from synthproof.engines.finders.burned_in import NUMBERS, PAD, channels
from synthproof.testing.planted_text import plant

CROP, STRIDE, SIDES = 128, 4, (96, 96, 96, 112, 128, 128, 192, 256, 384, 512)
EDGE = 3  # cells at the border of a crop that the loss does not see: there the network sees the crop, not the picture
WIDTHS = (12, 24, 24, 24, 24)


def net() -> torch.nn.Sequential:
    a, b, c, d, e = WIDTHS
    conv = torch.nn.Conv2d
    parts = [
        conv(2, a, 5, stride=2, padding=2),
        conv(a, b, 3, stride=2, padding=1),
        conv(b, c, 3, padding=1),
        conv(c, d, 3, padding=2, dilation=2),
        conv(d, e, 3, padding=(1, 3), dilation=(1, 3)),
    ]
    layers: list[torch.nn.Module] = []
    for part in parts:
        layers += [part, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, conv(e, 1, 1))


def _scribbled(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sharp things that are no text: lines, tubes, discs, frames, bars, grain."""
    out = Image.fromarray(picture)
    draw = ImageDraw.Draw(out)
    high, wide = picture.shape
    for _ in range(int(rng.integers(1, 5))):
        a, b = rng.integers(0, wide, 2)
        c, d = rng.integers(0, high, 2)
        value = int(rng.choice([0, 255, int(rng.integers(0, 256))]))
        kind = rng.integers(6)
        w = int(rng.integers(1, 4))
        if kind == 0:
            draw.line([(a, c), (b, d)], fill=value, width=w)
        elif kind == 1:
            r = int(rng.integers(2, 20))
            draw.ellipse([a - r, c - r, a + r, c + r], outline=value, width=w)
        elif kind == 2:
            r = int(rng.integers(1, 6))
            draw.ellipse([a - r, c - r, a + r, c + r], fill=value)
        elif kind == 3:
            x0, x1, y0, y1 = min(a, b), max(a, b), min(c, d), max(c, d)
            draw.rectangle([x0, y0, x1, y1], outline=value, width=w)
        elif kind == 4:
            points = np.cumsum(rng.normal(0, 6, (12, 2)), axis=0) + [a, c]
            draw.line([tuple(p) for p in points], fill=value, width=w, joint="curve")
        else:
            t = int(rng.integers(2, max(3, wide // 4)))
            box = [[0, 0, t, high], [wide - t, 0, wide, high], [0, 0, wide, t], [0, high - t, wide, high]]
            draw.rectangle(box[int(rng.integers(4))], fill=int(rng.choice([0, 0, 255])))
    return np.asarray(out)


def _sample(
    xrays: np.ndarray, others: list[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if rng.random() < 0.15:
        picture = others[int(rng.integers(len(others)))]
        if rng.random() < 0.5:
            picture = np.asarray(Image.fromarray(picture).resize((320, 240), Image.Resampling.LANCZOS))
    else:
        side = int(rng.choice(SIDES))
        picture = xrays[int(rng.integers(len(xrays)))]
        how = Image.Resampling.LANCZOS if rng.random() < 0.5 else Image.Resampling.BILINEAR
        if side != picture.shape[0]:
            picture = np.asarray(Image.fromarray(picture).resize((side, side), how))
        if rng.random() < 0.15:
            picture = np.asarray(255 - picture)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if rng.random() < 0.35:
        picture = _scribbled(np.ascontiguousarray(picture), rng)
    high, wide = picture.shape
    text = np.zeros((high, wide), np.float32)
    care = np.ones((high, wide), np.float32)
    made = plant(np.ascontiguousarray(picture), rng, fold="tuning", heights=(8, 30)) if rng.random() < 0.5 else None
    if made is not None:
        picture = made.picture
        for t, l, b, r in made.boxes:
            care[max(0, t - 5) : b + 5, max(0, l - 5) : r + 5] = 0.0
        for t, l, b, r in made.boxes:
            text[t:b, l:r] = 1.0
            care[t:b, l:r] = 1.0
    picture = np.pad(picture, PAD, mode="edge")
    text, care = np.pad(text, PAD), np.pad(care, PAD, constant_values=1.0)
    y, x = (int(rng.integers(0, n + 2 * PAD - CROP + 1)) for n in (high, wide))
    if made is not None and rng.random() < 0.8:
        t, l, b, r = made.boxes[int(rng.integers(len(made.boxes)))]
        y = int(np.clip(PAD + int(rng.integers(t - 80, b - 30)), 0, high + 2 * PAD - CROP))
        x = int(np.clip(PAD + int(rng.integers(l - 80, max(l - 79, r - 40))), 0, wide + 2 * PAD - CROP))
    elif rng.random() < 0.4:  # corners: dark, smooth, and where text is wont to stand
        y, x = (int(rng.choice([0, n + 2 * PAD - CROP])) for n in (high, wide))
    out = picture[y : y + CROP, x : x + CROP].astype(np.float32)
    if rng.random() < 0.3:
        out = out + rng.normal(0, rng.uniform(1, 8), out.shape)
    if rng.random() < 0.2:
        file = io.BytesIO()
        Image.fromarray(np.clip(out, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(40, 95)))
        out = np.asarray(Image.open(file)).astype(np.float32)
    t, c = text[y : y + CROP, x : x + CROP], care[y : y + CROP, x : x + CROP]
    return np.clip(out, 0, 255), t[::STRIDE, ::STRIDE], c[::STRIDE, ::STRIDE]


def _keep(model: torch.nn.Module, opt: torch.optim.Optimizer, done: int, path: Path) -> None:
    arrays: dict[str, np.ndarray] = {"done": np.array(done)}
    for i, p in enumerate(model.parameters()):
        arrays[f"p{i}"] = p.detach().numpy()
        arrays[f"m{i}"], arrays[f"v{i}"] = (opt.state[p][k].numpy() for k in ("exp_avg", "exp_avg_sq"))
    np.savez(path, **arrays)


def _go_on(model: torch.nn.Module, opt: torch.optim.Optimizer, path: Path) -> int:
    with np.load(path, allow_pickle=False) as kept:
        done = int(kept["done"])
        for i, p in enumerate(model.parameters()):
            p.data = torch.from_numpy(kept[f"p{i}"].copy())
            opt.state[p] = {
                "step": torch.tensor(float(done)),
                "exp_avg": torch.from_numpy(kept[f"m{i}"].copy()),
                "exp_avg_sq": torch.from_numpy(kept[f"v{i}"].copy()),
            }
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--total", type=int, default=4_000, help="steps of the whole schedule")
    parser.add_argument("--state", type=Path, default=Path("burned_in_state.npz"))
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = net()
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    done = 0
    if args.state.exists():
        done = _go_on(model, opt, args.state)
    z = np.load(data_dir() / "chest_xray_pneumonia" / "xray.npz")
    xrays = z["x"][folds_of_persons(z["patient"])[0]]
    others = cells()[:200]
    start, lost = time.process_time(), []
    while done < args.total and time.process_time() - start < 60 * args.minutes:
        rng = np.random.default_rng([77, done])
        drawn = [_sample(xrays, others, rng) for _ in range(16)]
        x = torch.from_numpy(np.concatenate([channels(d[0]) for d in drawn]))
        y, care = (torch.from_numpy(np.stack([d[k] for d in drawn])) for k in (1, 2))
        out = model(x)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out, y, reduction="none")
        care[:, :EDGE], care[:, -EDGE:], care[:, :, :EDGE], care[:, :, -EDGE:] = 0, 0, 0, 0
        blank = (loss * care * (1 - y)).flatten()
        hard = blank.topk(blank.numel() // 50).values.mean()  # the cells most like text that are none
        loss = (loss * care * (1 + y)).sum() / care.sum() + 0.15 * hard
        lr = float(2e-3 * min(1, (done + 1) / 100) * 0.5 * (1 + np.cos(np.pi * done / args.total)) + 2e-5)
        for g in opt.param_groups:
            g["lr"] = lr
        opt.zero_grad()
        loss.backward()
        opt.step()
        done += 1
        lost.append(float(loss.detach()))
        if done % 200 == 0:
            print(done, round(float(np.mean(lost[-200:])), 4), f"{time.process_time() - start:.0f} s", flush=True)
    _keep(model, opt, done, args.state)
    arrays = {}
    at = 0
    for layer in model:
        if isinstance(layer, torch.nn.Conv2d):
            arrays[f"w{at}"] = layer.weight.detach().numpy().astype(np.float16)
            arrays[f"b{at}"] = layer.bias.detach().numpy().astype(np.float16)  # type: ignore[union-attr]
            at += 1
    np.savez_compressed(args.out or NUMBERS, **arrays)
    print("steps", done, "loss", round(float(np.mean(lost[-200:])), 4) if lost else "-")


if __name__ == "__main__":
    main()
