"""Balance: rare classes relieved, every added row marked, and the study that says whether it helped anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthproof.balance.receipt import Balanced


def balance(data: Any, *, target: str, strategy: str = "duplicates", **options: Any) -> Balanced:
    """Return a table balanced by one column, with the origin of every row: ``Balancer(...).balance(data)`` in one call.

    Parameters
    ----------
    data
        A pandas, polars or Arrow table, a `Table`, or what `read` takes.
    target
        Column of the classes.
    strategy, options
        As `synthproof.balance.balancer.Balancer` takes them.
    """
    from synthproof.balance.balancer import Balancer

    return Balancer(strategy, target=target, **options).balance(data)
