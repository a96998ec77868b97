"""The code network of `engines.nets` trained by torch: the same parameters, masks, losses and draws, on a GPU.

`train` takes what `engines.nets.training.train` takes and leaves what it leaves, in the network's own numpy array, so
that a caller chooses between them by the run's device alone. Order of rows, what is covered and which units are dropped
come from the same streams; on a CPU both go the same way up to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.random import stream
from synthproof.core.run import Run
from synthproof.engines.nets import training as numpy_training
from synthproof.engines.nets.network import CodeArray, Float32Array, Network
from synthproof.engines.nets.training import Course, Schedule, Tell
from synthproof.engines.torch_nets.load import device_for, need_torch, one_torch_thread
from synthproof.engines.torch_nets.nets import moved

_CHUNK = 4096


class _TorchNetwork:
    """A network's pass and loss on a device, from its flat parameters."""

    def __init__(self, net: Network, device: Any) -> None:
        self.net, self.device = net, device
        self.sizes = [int(s) for s in net.positions.sizes]
        self.fine = [(p, int(q)) for p, q in enumerate(net.parent) if q >= 0]

    def parts(self, theta: Any) -> dict[str, Any]:
        """Return views of the parameters by name, as `Network.parts` does."""
        counts = [int(np.prod(s)) for s in self.net.shapes.values()]
        pieces = theta.split(counts)
        return {name: t.reshape(s) for (name, s), t in zip(self.net.shapes.items(), pieces, strict=True)}

    def logits(self, part: dict[str, Any], placed: Any, given: Any, masks: list[Any]) -> Any:
        """Return logits of all codes, shape (n, codes), from rows' codes, what `_given` made of codes given beforehand,
        and masks of dropped units.
        """
        y: Any = None
        for k in range(self.net.layers):
            a = self._entry(part, placed, given) if y is None else y @ part[f"w{k}"] + part[f"b{k}"]
            z = a.relu() if y is None else a.relu() + y
            y = z * masks[k] if masks else z
        out = y @ part["out"] + part["bias"]
        if part["direct"].numel():
            out = out + _summed(placed, part["direct"])
            if given is not None:
                codes, scale = given
                out = out + scale[:, None] * _summed(codes, part["given_direct"])
        return out + self._pairs(part["pair"], placed) if self.fine else out

    def _entry(self, part: dict[str, Any], placed: Any, given: Any) -> Any:
        """Return what the first layer sees, shape (n, hidden)."""
        a = _summed(placed, part["emb"]) + part["b0"]
        return a if given is None else a + _summed(given[0], part["given"])

    def _pairs(self, pair: Any, placed: Any) -> Any:
        """Return what coarse codes say of their fine codes, shape (n, codes)."""
        torch = need_torch()
        at, pair_at = self.net.at, self.net.pair_at
        parent = dict(self.fine)
        columns = []
        for p, size in enumerate(self.sizes):
            if p not in parent:
                columns.append(torch.zeros((len(placed), size), device=self.device))
                continue
            q = parent[p]
            coarse = placed[:, q]
            table = pair[int(pair_at[p]) : int(pair_at[p + 1])].reshape(self.sizes[q], size)
            columns.append(table[(coarse - int(at[q])).clamp(min=0)] * (coarse >= 0)[:, None])
        return torch.cat(columns, dim=1)

    def losses(self, part: dict[str, Any], placed: Any, given: Any, masks: list[Any]) -> Any:
        """Return each position's negative log probability, shape (n, positions); unknown codes count 0."""
        torch = need_torch()
        logits = self.logits(part, placed, given, masks)
        norm = torch.stack([s.logsumexp(dim=1) for s in logits.split(self.sizes, dim=1)], dim=1)
        return torch.where(placed >= 0, norm - logits.gather(1, placed.clamp(min=0)), 0.0)


def _summed(codes: Any, table: Any) -> Any:
    """Return the sum of the table's rows at each row's codes; a negative code adds nothing."""
    torch = need_torch()
    longer = torch.cat([table, table.new_zeros((1, table.shape[1]))])
    last = len(table)
    return torch.nn.functional.embedding_bag(torch.where(codes < 0, last, codes), longer, mode="sum", padding_idx=last)


def _codes(codes: CodeArray, device: Any) -> Any:
    return moved(codes.astype(np.int64), device)


def _given(net: Network, given: CodeArray | None, device: Any) -> Any:
    """Return codes given beforehand and how much their pairs count in each row, ``None`` without any."""
    return None if given is None else (_codes(given, device), moved(net.tempered(given), device))


def gradient(
    net: Network,
    placed: CodeArray,
    weight: Float32Array,
    scale: float,
    given: CodeArray | None = None,
    device: str = "cpu",
) -> tuple[Float32Array, Float32Array]:
    """Return the losses (n, positions) and the gradient (size,) that `Network.gradient` writes, without dropping."""
    torch = need_torch()
    where = device_for(device)
    own = _TorchNetwork(net, where)
    with one_torch_thread():
        theta = torch.tensor(net.theta, device=where, requires_grad=True)
        losses = own.losses(own.parts(theta), _codes(placed, where), _given(net, given, where), [])
        (losses * moved(weight, where)).sum().mul(scale).backward()
        return losses.detach().cpu().numpy(), theta.grad.cpu().numpy()


def train(
    net: Network,
    codes: CodeArray,
    held: CodeArray,
    schedule: Schedule,
    *,
    seed: int,
    run: Run,
    task: str,
    tell: Tell | None = None,
    weight: Float32Array | None = None,
    asked: Float32Array | None = None,
) -> Course:
    """Fit a network in place on the run's device; parameters as of `engines.nets.training.train`.

    Raises
    ------
    MissingExtraError
        ``extra/missing``: torch is not installed.
    UsageError
        ``extra/no-gpu``: the run asks for a GPU, and torch sees none.
    """
    torch = need_torch()
    device = device_for(run.device)
    placed, stop_by = net.placed(codes), net.placed(held)
    rows, batch = len(placed), min(schedule.batch, len(placed))
    asked = np.ones(net.positions.count, dtype=np.float32) if asked is None else asked.astype(np.float32)
    steps = max(1, schedule.visits // batch)
    with one_torch_thread():
        step_of = _Stepper(net, schedule, device)
        check = _held_out(step_of.own, stop_by, asked, tell, seed)
        looks: list[tuple[int, float]] = []
        best, kept, stale = check(step_of.theta), step_of.theta.detach().clone(), 0
        order, cursor, epoch, begun = np.empty(0, dtype=np.int64), 0, 0, time.perf_counter()
        step, every = 0, max(1, steps // numpy_training._CHECKS)
        while step < steps:
            run.tick(task, step, steps, held_out=round(best, 4))
            if cursor + batch > len(order):
                order, cursor, epoch = stream(seed, "net/order", epoch).permutation(rows), 0, epoch + 1
            mine = order[cursor : cursor + batch]
            cursor += batch
            step_of.take(*_batch(net, placed, mine, asked, schedule.drop, seed, step, tell, weight), batch, step, steps)
            step += 1
            if step == 20 and schedule.seconds is not None:
                pace = (time.perf_counter() - begun) / step
                steps = max(step + 1, min(steps, int(schedule.seconds / pace)))
                every = max(1, steps // numpy_training._CHECKS)
            if step % every == 0 or step == steps:
                now = check(step_of.average)
                looks.append((step * batch, now))
                if now < best - 1e-4:
                    best, kept, stale = now, step_of.average.clone(), 0
                else:
                    stale += 1
                    if stale >= numpy_training._PATIENCE and step > steps // 2:
                        break
        run.tick(task, steps, steps, held_out=round(best, 4))
        net.theta[:] = (kept if len(held) else step_of.average).cpu().numpy()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return Course(tuple(v for v, _ in looks), tuple(x for _, x in looks), best)


class _Stepper:
    """AdamW on open weights with a running average, as `engines.nets.kernels.adamw` takes its steps."""

    def __init__(self, net: Network, schedule: Schedule, device: Any) -> None:
        torch = need_torch()
        self.own, self.rate = _TorchNetwork(net, device), schedule.rate
        self.theta = torch.tensor(net.theta, device=device, requires_grad=True)
        self.open = moved(net.learned_weights(), device)
        self.decay = moved(numpy_training.decayed(net, schedule.decay) * net.learned_weights(), device)
        self.mean, self.square = torch.zeros_like(self.open), torch.zeros_like(self.open)
        self.average = self.theta.detach().clone()

    def take(
        self,
        placed: CodeArray,
        given: CodeArray | None,
        wanted: Float32Array,
        masks: list[Float32Array],
        batch: int,
        step: int,
        steps: int,
    ) -> None:
        """Take one step on a batch; `step` counts from 0, of `steps` in all."""
        torch = need_torch()
        device = self.own.device
        self.theta.grad = None
        dropped = [moved(m, device) for m in masks]
        losses = self.own.losses(
            self.own.parts(self.theta), _codes(placed, device), _given(self.own.net, given, device), dropped
        )
        ((losses * moved(wanted, device)).sum() / batch).backward()
        step += 1
        warm = min(1.0, step / numpy_training._WARM)
        rate = self.rate * warm * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
        with torch.no_grad():
            g = self.theta.grad * self.open
            self.mean.lerp_(g, 0.1)
            self.square.lerp_(g.square(), 0.001)
            size = (self.square / (1 - 0.999**step)).sqrt_().add_(1e-8)
            self.theta.sub_(rate * (self.mean / (1 - 0.9**step) / size + self.decay * self.theta))
            self.average.lerp_(self.theta.detach(), 1 - min(0.995, (1 + step) / (10 + step)))


def _batch(
    net: Network,
    placed: CodeArray,
    mine: npt.NDArray[np.int64],
    asked: Float32Array,
    drop: float,
    seed: int,
    step: int,
    tell: Tell | None,
    weight: Float32Array | None,
) -> tuple[CodeArray, CodeArray | None, Float32Array, list[Float32Array]]:
    """Return rows' codes, what is given beforehand, weights and the masks of dropped units, drawn shard by shard."""
    told, wishes, dropped = [], [], []
    for k, rows in enumerate(np.array_split(mine, numpy_training._SHARDS)):
        rng = stream(seed, f"net/shard/{k}", step)
        wanted = np.ones((len(rows), placed.shape[1]), dtype=np.float32)
        if tell is not None:
            given, wanted = tell(placed[rows], rng)
            told.append(given)
        wanted = wanted * asked if weight is None else wanted * asked * weight[rows][:, None]
        wishes.append(wanted.astype(np.float32))
        if drop > 0:
            draws = [rng.random((len(rows), net.hidden), dtype=np.float32) for _ in range(net.layers)]
            dropped.append([(d > drop).astype(np.float32) * np.float32(1 / (1 - drop)) for d in draws])
    masks = [np.concatenate(layer) for layer in zip(*dropped, strict=True)]
    return placed[mine], np.concatenate(told) if told else None, np.concatenate(wishes), masks


def _held_out(
    own: _TorchNetwork, placed: CodeArray, asked: Float32Array, tell: Tell | None, seed: int
) -> Callable[[Any], float]:
    """Return a function from parameters to the held-out loss in nats per row; what is given stays the same."""
    given: CodeArray | None = None
    wanted = np.ones(placed.shape, dtype=np.float32)
    if tell is not None:
        given, wanted = tell(placed, stream(seed, "net/held"))
    rows, told = _codes(placed, own.device), _given(own.net, given, own.device)
    weight = moved(wanted * asked, own.device)

    def loss(theta: Any) -> float:
        if not len(placed):
            return float("inf")
        total = 0.0
        with need_torch().no_grad():
            part = own.parts(theta)
            for i in range(0, len(placed), _CHUNK):
                mine = slice(i, i + _CHUNK)
                losses = own.losses(part, rows[mine], None if told is None else tuple(t[mine] for t in told), [])
                total += float((losses * weight[mine]).sum())
        return total / len(placed)

    return loss
