"""What commands, generators and protections do, in Korean: the English stands in their docstrings."""

from __future__ import annotations

from collections.abc import Mapping

import typer

SUMMARIES: Mapping[str, str] = {
    "run": "전 과정: 읽기, 보호조치, 학습, 생성, 검증, 판정, 심의자료 작성.",
    "inspect": "스키마와 그 근거, 발견된 식별자, 제안된 K·T를 보여 줍니다. 데이터 값은 출력하지 않습니다.",
    "fit": "보호조치를 한 원본 전체로 모델을 학습하여 저장합니다.",
    "sample": "저장된 모델에서 새 레코드나 이미지를 생성합니다.",
    "complete": "일부만 있는 행의 빈칸을 같은 행에 있는 모든 값에 맞추어 채웁니다.",
    "verify": "어떤 도구가 만든 합성데이터든 실제 데이터와 비교하여 판정합니다.",
    "alter": "이미지를 변형 단계에 적용합니다. 파일에서 읽은 이미지는 실제 이미지로 보아 --knowingly 없이는 거부합니다.",
    "balance": "학습용 파일이나 폴더의 범주 불균형을 완화하고, 추가한 행은 모두 표시합니다. --study는 효과를 측정합니다.",
    "demo": "실제 환자 569명의 자료(scikit-learn의 유방암 자료)로 전 과정을 시연합니다.",
    "list": "설치된 생성기·지표·정책·보호조치를 보여 줍니다. 불러올 수 없는 플러그인은 그 이유와 함께 표시합니다.",
    "explain": "오류 코드, 지표, 정책의 규칙, 판정 용어를 설명합니다.",
    "config": "모든 설정과 기본값이 담긴 프로젝트 파일을 출력하거나 검사합니다. 정책도 출력할 수 있습니다.",
    "judge": "같은 증거를 다른 정책으로 판정합니다. 다시 측정하지 않습니다.",
    "report": "심의자료의 증거로 보고서, 서식, 카드를 다시 만듭니다.",
    "release keygen": "서명 키(Ed25519)를 만듭니다. 개인 키는 암호화하여 vault에 두고, 공개 키와 지문은 알립니다.",
    "release seal": "위원회가 바로 그 심의자료를 승인하였고 조건이 이행된 경우 활용 기간 안에서 합성데이터를 봉인합니다.",
    "release check": "묶음을 오프라인으로 확인합니다: 서명, 모든 바이트, 기록부, 기간, 철회. 종료 코드 0: 이상 없음, 1: 이상 있음.",
    "release handover": "받은 곳을 기록합니다. 회수는 기록된 곳에만 알릴 수 있습니다.",
    "release withdraw": "반출을 철회합니다: 기록부 기재, 받은 곳에 보낼 서명된 통지, 회수 목록. 아무것도 지우지 않습니다.",
    "release expire": "활용 기간이 끝난 반출을 회수 목록과 함께 기록합니다.",
    "release status": "반출물의 기간, 상태, 받은 곳을 보여 줍니다. 먼저 기록부를 확인합니다.",
    "release register": "반출한 모든 것과 받은 곳의 관리대장(서식 1-6)을 PDF와 DOCX로 씁니다.",
    "release renew": "반출한 데이터를 현재의 지표로 다시 측정하여 달라진 점을 보이고, 이전 것을 부모로 적은 새 심의자료를 만듭니다.",
    "review serve": "심의 서버를 실행합니다. 처음 시작하면 설정 링크를 하나 출력합니다.",
    "review import": "서버에서 직접 심의자료를 등록합니다. 큰 자료나 기관 자체 서식을 쓸 때 사용합니다.",
    "review export": "안건을 내보냅니다. 기준점이 있는 기록부이며, 반출에는 이것만 있으면 됩니다.",
    "review check": "서버의 모든 기록부를 줄마다 확인합니다.",
    "review backup": "데이터베이스와 심의자료를 파일 하나에 저장합니다. 운영 중에도 가능합니다.",
    "review restore": "빈 폴더와 데이터베이스에 백업으로 서버를 만듭니다.",
    "review reset": "도와줄 다른 위원장이 없을 때, 새 비밀번호를 정할 일회용 링크를 서버에서 직접 만듭니다.",
    "vtt new": "판독 시험을 만듭니다. 이름을 가린 항목은 서버로 보내고 정답표는 vault/panels에 남습니다.",
    "vtt close": "판독 결과를 집계하고 다시 판정하여, 이전 것을 부모로 적은 새 심의자료를 봉인합니다.",
}

LISTED: Mapping[str, str] = {
    "auto": "표에 맞는 생성기를 비교하여 고릅니다.",
    "image.augment": "실제 이미지를 조금 움직이고 밝기를 바꿉니다(대조용, 반출 불가).",
    "image.compose": "부분을 생성하여 장면을 합성합니다.",
    "image.dcgan": "심층 합성곱 적대 신경망(DCGAN)으로 이미지를 생성합니다.",
    "image.ddpm": "잡음을 단계적으로 걷어 내어 이미지를 생성합니다(DDPM).",
    "image.duplicate": "실제 이미지를 그대로 내놓습니다(대조용, 반출 불가).",
    "image.flow": "flow matching으로 이미지를 생성합니다(이미지의 기본 생성기).",
    "image.pggan": "점진적으로 커지는 적대 신경망(PGGAN)으로 이미지를 생성합니다.",
    "image.semantic": "마스크를 생성하고 그에 맞는 이미지를 생성합니다.",
    "image.stages": "여러 단계를 이어 붙인 레시피로 이미지를 생성합니다.",
    "image.superres": "작은 이미지를 생성하여 단계적으로 확대합니다.",
    "image.translate": "한 부류로 생성한 이미지를 다른 부류로 변환합니다.",
    "image.vae": "학습한 복호기로 이미지를 생성합니다(변분 오토인코더).",
    "table.autoregressive": "앞의 열들을 조건으로 하는 신경망으로 열을 하나씩 생성합니다(기본 생성기).",
    "table.bayes_net": "다른 몇 개의 열에 따른 빈도로 열을 하나씩 생성합니다(베이지안 네트워크).",
    "table.cart_chain": "앞의 열들을 조건으로 하는 의사결정나무로 열을 하나씩 생성합니다.",
    "table.copula": "상관된 정규분포를 생성하여 각 열의 값으로 바꿉니다(코퓰러).",
    "table.diffusion": "마스크 확산과 flow matching으로 행을 생성합니다(GPU용).",
    "table.dp_marginals": "잡음을 더한 한 열·두 열 표에서 생성합니다(차분 프라이버시).",
    "table.gan": "판별자가 실제로 여기는 행을 생성합니다(CTGAN 계열).",
    "table.marginals": "열마다 따로 그 분포에서 생성합니다(비교용 하한).",
    "table.smote": "실제 행과 같은 범주의 이웃 사이를 보간합니다(반출 불가).",
    "table.vae": "학습한 복호기로 행을 생성합니다(변분 오토인코더).",
    "coarsen": "지정한 항목의 값을 더 넓은 단위로 묶습니다.",
    "dates": "한 사람의 모든 날짜를 같은 비밀 일수만큼 옮깁니다.",
    "extremes": "k명 미만만 넘어서는 극단값을 수치 항목마다 잘라 냅니다.",
    "identifiers": "직접식별자를 지우거나, 누구의 것도 될 수 없는 비슷한 값으로 바꿉니다.",
    "image.burned_in": "화소에 새겨진 글자 줄을 찾아 가립니다.",
    "image.near_duplicates": "같은 부류에서 거의 같은 이미지는 한 장만 남깁니다.",
    "rare": "k명 미만이 가진 범주를 합칩니다.",
}


def in_korean(app: typer.Typer) -> None:
    """Give every command of `app`, and of the groups below it, its Korean summary."""
    groups = [("", app), *((f"{g.name} ", g.typer_instance) for g in app.registered_groups)]
    for group, of in groups:
        for command in of.registered_commands if of is not None else ():
            name = command.name or getattr(command.callback, "__name__", "")
            command.help = SUMMARIES.get(f"{group}{name}", command.help)
