"""Linkability: do synthetic data let an attacker join two files about one person?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from synthproof.core.contracts import Case
from synthproof.core.evidence import Attacker, Card, Evidence
from synthproof.core.random import permutation, stream
from synthproof.core.run import Run, quiet
from synthproof.core.schema import Purpose, Schema
from synthproof.core.words import Words
from synthproof.engines.neighbours import MixedSpace, Placed, tiled
from synthproof.metrics.table.answers import insufficient, joined
from synthproof.metrics.table.exchangeable import bound_words, evidence, of_targets, rate, unusable, worth
from synthproof.metrics.table.footing import Footing, footing
from synthproof.metrics.table.key_classes import named

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

SPLITS = 10
"""Random halvings of the columns that are averaged over."""
MOST_WORK = 6_000_000_000
"""Targets × synthetic rows × columns × (splits + 4) above which a sample of targets is attacked (a few CPU-seconds)."""
FEWEST_TARGETS = 500
"""A sample of one arm is never smaller than this."""
_BLOCK = 64
_WORST = 50

_TWO = Words(
    en="Two columns that can be compared are needed, one for each file.",
    ko="두 파일에 나눌 항목이 두 개 이상 필요합니다.",
)
_READ = Words(
    en="0: persons learned from are linked no more often than unseen ones. Being linked by chance is counted in both.",
    ko="0은 학습된 사람이 학습에 쓰이지 않은 사람보다 더 자주 연결되지 않는다는 뜻입니다. 우연한 연결은 양쪽 모두에 포함됩니다.",
)


class Linkability:
    """Share of persons learned from whose two files the synthetic data join, over the share of control persons.

    Parameters
    ----------
    neighbours
        Nearest synthetic records that each file may point to.
    splits
        Random halvings of the columns.

    Notes
    -----
    The attacker holds some columns of a person in one file and the others in another, and looks up the nearest
    synthetic records by each (Gower's distance, ranges of the synthetic data, which is all the attacker has). The files
    are linked when both point to the same record; synthetic records tied at the last place share it, so that the order
    of a file decides nothing. A target's success is the mean over ``splits`` seeded random halvings; where
    quasi-identifiers are named a second subject splits them from the rest.

    A target's success does not depend on how many other targets there are, so train and holdout need not be of equal
    size. The estimate is mean success on train less that on the holdout, with Newcombe's interval by unit
    (`exchangeable.of_targets`).
    Cost O(targets · rows · columns · splits), by tiles; above a fixed amount of work a random sample of targets, always
    against all synthetic rows.
    """

    card = Card(
        id="table.linkability",
        version=1,
        family="safety",
        name=Words(en="Linkability of two files", ko="연결 가능성(두 파일)"),
        question=Words(
            en="Do the synthetic data help to join two files about one person who was learned from?",
            ko="합성데이터가 학습에 쓰인 한 사람에 관한 두 파일을 연결하는 데 도움이 되는가?",
        ),
        unit="excess share of persons linked",
        low=-1.0,
        high=1.0,
        better="lower",
        source="Article 29 WP opinion 05/2014 (linkability); attack after Giomi et al. 2023, "
        "doi:10.56553/popets-2023-0055; shared ties, averaged splits, intervals by unit: ours",
        ideal=Words(en="0: no more than for unseen persons.", ko="0: 학습에 쓰이지 않은 사람과 같은 수준."),
        needs=frozenset({"holdout"}),
        attacker=Attacker(
            knows=Words(
                en="The synthetic data and two files, each with other columns about the same persons.",
                ko="합성데이터와, 같은 사람들에 대한 서로 다른 항목이 담긴 두 파일.",
            ),
            tries=Words(
                en="Joins two entries whose nearest synthetic record is the same.",
                ko="가장 가까운 합성 레코드가 같은 두 항목을 연결합니다.",
            ),
            success=Words(
                en="Both entries of a person point to the same record, more often for persons learned from than for "
                "unseen ones.",
                ko="한 사람의 두 항목이 같은 레코드를 가리키고, 학습된 사람에서 그 빈도가 더 높으면 성공입니다.",
            ),
        ),
    )

    def __init__(self, neighbours: int = 1, splits: int = SPLITS) -> None:
        self.neighbours = neighbours
        self.splits = splits

    def applies(self, schema: Schema, purpose: Purpose, /) -> str | None:
        """Return ``None``, or that there are not two columns."""
        return None if len(schema.modelled) > 1 else _TWO.en

    def measure(self, case: Case[Any], /, *, seed: int, run: Run | None = None) -> Sequence[Evidence]:
        """Return evidence for the subjects ``random splits`` and, where K is named, ``quasi-identifiers | rest``."""
        run = quiet(run)
        run.tick(self.card.id, 0, 1)
        k, _ = named(case.purpose, case.train.schema)
        why = _TWO if len(case.train.schema.modelled) < 2 else unusable(case)
        if why is not None:
            return (insufficient(self.card, why, subject="random splits", seed=seed),)
        base = footing(case)
        space = MixedSpace.fit(base.synthetic, case.train.schema)
        halves = self._halves(space, k, seed)
        linked = self._attack(base, space, halves, seed, run, full=case.full)
        out = [self._one(base, linked, slice(0, self.splits), "random splits", seed, [])]
        if len(halves) > self.splits:
            one = [space.names[j] for j in np.flatnonzero(halves[-1])]
            out.append(self._one(base, linked, slice(self.splits, None), "quasi-identifiers | rest", seed, one))
        return out

    def _halves(self, space: MixedSpace, k: tuple[str, ...], seed: int) -> npt.NDArray[np.bool_]:
        """Return which columns are in the first file, one row a split; the named split comes last."""
        d = space.d
        halves = np.zeros((self.splits, d), dtype=bool)
        for s in range(self.splits):
            halves[s, stream(seed, "linkability/split", s).permutation(d)[: d // 2]] = True
        own = np.array([[name in k for name in space.names]])
        return np.concatenate([halves, own]) if 0 < own.sum() < d else halves

    def _attack(
        self, base: Footing, space: MixedSpace, halves: npt.NDArray[np.bool_], seed: int, run: Run, *, full: bool
    ) -> dict[str, tuple[npt.NDArray[np.intp], FloatArray]]:
        """Return, for train and holdout, the rows attacked and their credit in each split."""
        assert base.holdout is not None
        cost = len(base.synthetic) * space.d * (len(halves) + 4)
        most = max(FEWEST_TARGETS, MOST_WORK // max(1, 2 * cost))
        most = max(most, *map(len, base.units.values())) if full else most
        tiles = tiled(space.place(base.synthetic).quick)
        work = partial(_link, tiles=tiles, n=len(base.synthetic), space=space, halves=halves, k=self.neighbours)
        out = {}
        for name, coded in (("train", base.train), ("holdout", base.holdout)):
            rows = _targets(base, name, most, seed)
            placed = space.place(coded.rows(rows))
            blocks = [placed.rows(slice(a, a + _BLOCK)) for a in range(0, len(rows), _BLOCK)]
            out[name] = rows, np.concatenate(run.map(work, blocks, f"{self.card.id}/{name}"))
        return out

    def _one(
        self,
        base: Footing,
        linked: dict[str, tuple[npt.NDArray[np.intp], FloatArray]],
        which: slice,
        subject: str,
        seed: int,
        first_file: list[str],
    ) -> Evidence:
        (rows, all_train), (control_rows, all_control) = linked["train"], linked["holdout"]
        train, control = all_train[:, which].mean(axis=1), all_control[:, which].mean(axis=1)
        units, control_units = base.units["train"][rows], base.units["holdout"][control_rows]
        found = of_targets(train, units, control, control_units)
        n, m = worth(train, units), worth(control, control_units)
        worst = np.argsort(-train, kind="stable")[:_WORST]
        return evidence(
            self.card,
            found,
            subject=subject,
            n=len(np.unique(units)),
            seed=seed,
            detail={
                "linked_train": rate(float(train.mean()) * n, n),
                "linked_control": rate(float(control.mean()) * m, m),
                "targets": len(rows),
                "control_targets": len(control_rows),
                "targets_sampled": len(rows) < len(base.units["train"]),
                "neighbours": self.neighbours,
                "splits": 1 if first_file else self.splits,
                "first_file": first_file,
            },
            private={"train_rows_linked_most_first": rows[worst[train[worst] > 0]].tolist()},
            caveat=joined(_READ, bound_words(float(train.sum()), n)),
        )


def _targets(base: Footing, name: str, most: int, seed: int) -> npt.NDArray[np.intp]:
    """Return the rows that are attacked; a sample depends on what the rows hold, not on their order."""
    ids = base.ids[name]
    if len(ids) <= most:
        return np.arange(len(ids), dtype=np.intp)
    order = np.argsort(ids, kind="stable")
    return np.sort(order[permutation(seed, f"linkability/{name}", len(ids))[:most]])


def _link(
    block: Placed,
    tiles: npt.NDArray[np.float32],
    n: int,
    space: MixedSpace,
    halves: npt.NDArray[np.bool_],
    k: int,
) -> FloatArray:
    from synthproof.engines.link_kernels import link

    splits, d = halves.shape
    members = np.zeros((splits, 2, d), dtype=np.int32)
    counts = np.stack([halves.sum(axis=1), (~halves).sum(axis=1)], axis=1).astype(np.int32)
    for s in range(splits):
        members[s, 0, : counts[s, 0]] = np.flatnonzero(halves[s])
        members[s, 1, : counts[s, 1]] = np.flatnonzero(~halves[s])
    credit = np.empty((len(block), splits))
    link(np.ascontiguousarray(block.quick), tiles, space.quick_weights, n, members, counts, min(k, n), credit)
    return credit
