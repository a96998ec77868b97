"""A small made hospital table for the e2e tests: Hangul headers, gaps, leading zeros, dates; and its planted tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

TOKENS = ("Zyxomma-Quell-7731", "은여울빛나래솔", "NOTE-TOKEN-55817")


def make_people(n: int = 600, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    sex = rng.choice(["여", "남"], n)
    ward = rng.choice(["내과", "외과", "정형외과", "안과"], n, p=[0.4, 0.3, 0.2, 0.1])
    glucose = np.round(90 + 0.4 * age + rng.normal(0, 12, n), 1)
    stay = rng.poisson(3 + (ward == "외과") * 4)
    admitted = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    frame = pd.DataFrame(
        {
            "환자번호": [f"P{i:06d}" for i in rng.permutation(n)],
            "나이": age,
            "성별": sex,
            "병동": ward,
            "입원일": admitted.strftime("%Y-%m-%d"),
            "재원일수": stay,
            "혈당": glucose,
            "흡연": rng.choice(["Y", "N"], n, p=[0.3, 0.7]),
            "당뇨": np.where(glucose + rng.normal(0, 8, n) > 122, "예", "아니오"),
        }
    )
    frame.loc[rng.random(n) < 0.08, "혈당"] = np.nan
    return frame


def write_people(target: Path, frame: pd.DataFrame | None = None, encoding: str = "utf-8") -> Path:
    (make_people() if frame is None else frame).to_csv(target, index=False, encoding=encoding)
    return target


def plant(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with unique tokens: a level, a name column, a note, an extreme number."""
    out = frame.copy()
    out["성명"] = [f"홍{i}" for i in range(len(out))]
    out.loc[7, "성명"] = TOKENS[1]
    out.loc[11, "병동"] = TOKENS[0]
    out["경과기록"] = [f"환자는 안정적이며 경과 관찰이 필요함. 방문 {i}회차 기록" for i in range(len(out))]
    out.loc[23, "경과기록"] = f"특이사항 {TOKENS[2]} 확인 후 전원함"
    out["수납액"] = np.random.default_rng(1).integers(10, 900, len(out)) * 1000
    out.loc[31, "수납액"] = 918273645
    return out
