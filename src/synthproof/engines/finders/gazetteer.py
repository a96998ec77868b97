"""Closed lists that the grammar of addresses and names needs: provinces, surnames, syllables, frequent English names.

All are public knowledge; none is a list of persons.
"""

from __future__ import annotations

from .wordlists import words

SIDO_FULL = (
    "서울특별시", "부산광역시", "대구광역시", "인천광역시", "광주광역시", "대전광역시", "울산광역시",
    "세종특별자치시", "경기도", "강원특별자치도", "강원도", "충청북도", "충청남도", "전북특별자치도",
    "전라북도", "전라남도", "경상북도", "경상남도", "제주특별자치도", "제주도",
)  # fmt: skip
SIDO_SHORT = (
    "서울시", "부산시", "대구시", "인천시", "광주시", "대전시", "울산시", "세종시", "제주시",
    "서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원", "충북", "충남", "전북", "전남",
    "경북", "경남", "제주",
)  # fmt: skip

SIDO_CODES = frozenset(
    words("11 26 27 28 29 30 31 36 41 42 43 44 45 46 47 48 50 51 52")
)  # first two digits of a PNU / legal district code

SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노로하곽성차주우구민나라진지엄채원천방공현함변염여"
    "추도소석선설마길연위표명기반왕금옥육인맹제모탁국어은편용예경봉사부가복태목형피두감호음빈동온"
)
# Frequent enough that a bare three-syllable word may be a name.
COMMON_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류유전홍고문양손배백허남심노하곽성차주우구민나진지엄채원천방"
)
DOUBLE_SURNAMES = frozenset(("남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방", "망절", "강전"))

# Syllables of given names: first and last place of two-syllable given names, and one-syllable given names.
GIVEN_FIRST = frozenset(
    "말샛빛힘누겨가강건겸경계고관광교국권규균근금기길나남노다단달대덕도동두라란래려련령로루리린마만명모무문미민바반방배백범"
    "병보복봉부비빈사산상새서석선설섭성세소솔송수숙순슬승시신아안애양언여연영예오옥온완용우욱운웅원월유윤율은을"
    "의이익인일임자장재전정제조종주준중지진찬창채천철청초춘충치칠태택판평표필하학한해향헌혁현형혜호홍화환효후훈휘희"
)
GIVEN_LAST = frozenset(
    "름결늘래솜봄롱비별다르율온강건걸겸경곤관광교구국권규균근금기길나남노녀단달담대덕도동두라란람랑래량려련례로록룡루률리린림만명모목묵무문미"
    "민배백범별병복봉빈삼상서석선섭성세솔송수숙순슬승식신실아안애양언업여연열엽영예오옥완용우욱운웅원월위유윤율은"
    "이익인일자장재전정제조종주준중지진찬창채천철춘충태택평표필하학한해향헌혁현협형혜호홍화환효후훈휘흠희"
)
GIVEN_SINGLE = frozenset(
    "건겸경관광구권규균근기길담란랑련린명무미민범별봉빈산상석선설섭성솔수숙슬승식신아안연영예옥완용우욱웅원윤율은"
    "이익일재정제준지진찬창채철태택하한해향헌혁현형혜호홍환훈휘희"
)

# What may follow a name directly (particles, copula), longest first.
PARTICLES = (
    "이라는", "이라고", "입니다", "이에요", "에게서", "으로부터", "께서는", "이었다", "이며", "이고", "이다", "에게", "한테", "께서",
    "라는", "라고", "이란", "이나", "이랑", "처럼", "보다", "부터", "까지", "마저", "조차", "만이", "예요", "이여",
    "인데", "였다", "은", "는", "이", "가", "을", "를", "의", "와", "과", "도", "만", "께", "랑", "로", "야", "아",
)  # fmt: skip

# Words after a name (with or without a space); those of the first group stand only after persons.
TITLES_STRONG = (
    "씨", "님", "군", "양", "선생님", "선생", "환자분", "환자", "환아", "산모", "어르신", "할머니", "할아버지", "학생", "보호자",
    "교수님", "교수", "원장", "간호사", "의사", "약사", "과장", "부장", "차장", "대리", "팀장", "실장", "국장", "본부장", "사원", "주임",
    "대표이사", "대표", "사장", "회장", "부회장", "이사장", "총장", "소장", "위원장", "위원", "의원", "장관", "차관", "총리", "대통령",
    "감독", "선수", "코치", "배우", "기자", "앵커", "아나운서", "변호사", "판사", "검사", "경위", "경사", "경감", "상무", "전무",
    "이병", "일병", "상병", "병장", "중사", "상사", "대위", "소령", "중령", "대령", "작가", "시인", "화백", "박사", "연구원", "고객님",
    "시장", "군수", "구청장", "도지사", "지사", "교사", "교장", "반장", "여사", "목사", "신부", "스님", "회원님", "회원", "고객", "상담사",
    "후보", "前", "전문의", "전공의", "책임", "수석", "매니저", "담당자", "주무관", "사무관", "서기관", "수간호사",
    "가수", "피고인", "피해자",
)  # fmt: skip

# Three-syllable words that look like a name and are none (nouns, places, adverbs); measured on prose.
NOT_NAMES = frozenset(
    words(
        """
    위해 국무 국정 선관 권익 강연은 신문은 한문은 강진은 도련 조상 이상 정상 주의 고인 이하 안전 정규 이용 전문 전원
    정보 신청 성인 고령 우선 전화 문의 현재 주민 하나님 하느님 선생님 사장님 고객님 감독님 부모님 조상님 주인님
    이사님 신부님 목사님 원장님 공주님 도련님 장모님 이모님 고모님 안내원 진지하 이상한 정상인 전문의 전문가 주인공
    남주인 여주인 이야기 주민등 한국인 유학생 대학생 고등학 중학생 이용자 사용자 구매자 신청자 남자친 여자친 이번주
    한시간 정신과 성형외 내과의 안과의 소아과 산부인 정형외 신경과 피부과 심장내 호흡기 신생아 전공의 수련의 주치의
    보호자 간호사 의료진 상담사 상담원 담당자 책임자 관리자 운영자 신고자 가해자 피해자 피의자 용의자 목격자 유가족
    이재민 노동자 근로자 사업자 경영자 소비자 판매자 공급자 제공자 수급자 장애인 외국인 내국인 미국인 중국인 일본인
    고령자 노약자 임산부 경비원 공무원 회사원 연구원 기사님 국회의 대통령 조선시 고려대 연세대 서울시 부산시 대구시
    인천시 광주시 대전시 울산시 경기도 강원도 남양주 고양시 수원시 성남시 용인시 안산시 안양시 전주시 이전의 최고의
    최대의 최소의 최근의 현재의 정도의 주요한 중요한 필요한 유명한 다양한 심각한 강력한 전반적 정기적 정상적 지속적
    주기적 전자기 이하의 이상의 이외의 전체의 일반의 우리의 나의 한명의 두명의 모든이 서로의 진정한 유일한 동일한
    인공지 자동차 전화기 휴대전 컴퓨터 모니터 고혈압 저혈압 당뇨병 폐렴균 감염자 확진자 사망자 생존자 입원환 외래환
    응급실 중환자 수술실 회복실 진료실 검사실 주사실 약제과 원무과 안내데 여러분 어머니 아버지 할머니 할아버 고모부
    이모부 형제자 한마디 이제야 오히려 여전히 조금씩 하나도 전혀안 정말로 진짜로 아무도 누구도 이거는 이게뭐
    주지훈이 한예로 현재로 이대로 그대로 이제는 지금은 지금의 오늘은 내일은 유의미 무의미 명수는 기준일 연도별
    이동식 고정식 전자식 자동식 수동식 주기도 한수원 고시원 정동진 노하우 이지경 유효표 정해진 전해진 홍문연 선관위
    백만배 권익위 유의해 주범 차기 전용 나설 나선 전한 변신한 지지율
    """
    )
)

# Syllables that together seldom occur outside names: a bare word of three of them is offered as a name.
TELLING_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송류유전홍고문손양배백허남심노하곽성차주우구민진엄채원방공"
)
TELLING_FIRST = frozenset(
    "민서지현영준승재성정수예하은태도유시경상종동병광창기진혜미선윤주우건규효연덕춘순옥명인원용철남채다세희호형학치석보봉승"
    "금길두만문복숙애양완의익일찬충해향홍화흥"
)
TELLING_LAST = frozenset(
    "준훈민호현영진희숙철석혁욱섭환균빈린윤연우원경옥선순찬규근룡범헌혜효완식배재태표수은아란종일용덕열걸필"
)
# Last syllables that are are as often a particle or an ending as the end of a name.
AMBIGUOUS_LAST = frozenset("은이로도하해랑길자의만나라다고서지기사")
# Frequent nouns and adverbs that begin like a surname and a given name.
NOUN_STARTS = frozenset(
    words(
        """
    부재 불만 양호 전원 휴가 처리 내일 부탁 요청 불편 고위 낙상 정기 주기 표현 사진 고민 전화 이사 남자 여자 사이
    천주 한국 주인 정신 공부 연기 영화 이상 정상 인기 조사 안내 기사 기대 문제 사실 사람 자신 정도 여기 이유 이후
    이전 이번 지금 진짜 진심 정말 최고 최근 최악 주연 조연 신인 주말 주제 장면 장르 원작 원래 전개 전체 전부 현실
    현재 방법 방송 배경 배신 성격 성공 성인 소설 소재 시작 시간 시대 신기 안녕 양심 어머 여운 역시 연출 예상 예술
    오늘 오래 오히 용기 우리 유명 유치 유쾌 음악 이야 인간 인생 임신 차이 차라 채널 추천 추억 표정 하나 하루 한번
    한편 현대 홍보 황당 감정 감사 강추 고맙 공감 공포 구성 국내 나라 나이 남편 내용 노력 노래 도대 마음 매력 명작
    모두 모습 목소 무슨 문화 미국 민족 반전 변화 별로 부분 부모 비슷 선택 설정 수준 의사 간호 신예 우수 여주 남주
    하길 하기 안해 나보 나도 이제 이건 이거 전혀 전국 전공 전주 전남 전북 경기 경찰 경제 경북 경남 강원 강남 강북
    서울 서초 송파 정부 정치 정당 정책 정보 제주 조선 조합 주민 주장 주요 주식 지역 지방 지난 지원 진행 차량 최초
    최대 최소 추가 추진 태국 하지 한미 한일 행사 현장 현직 형사 호주 홍콩 화재 황제 회사 국회 국가 국민 국제 고교
    고등 고객 고용 고려 공동 공사 공무 공식 교육 구청 군수 권한 금융 기업 기관 기자 기존 기술 김치 남성 여성 남북
    노동 노인 대통 대표 도시 독일 동물 동생 마을 명예 목사 목표 민간 민주 반장 발표 방문 배우 법원 변호 병원 보건
    보험 복지 봉사 부산 부장 북한 사고 사건 사업 사회 상황 서비 서장 석유 선수 선거 설명 성장 소방 소비 수사 수원
    시민 시장 신문 신용 신규 안전 야구 양국 어린 여당 야당 여행 연구 연금 연말 열린 영국 예산 예정 오전 오후 온라
    외교 용산 우승 운동 원장 위원 유럽 유족 육군 은행 의료 의원 이날 이달 이들 이란 이미 이를 인구 인근 인터 일본
    임원 임명 장관 장애 재판 전략 전문 전망 정규 제도 조치 종교 주택 중국 지도 지진 진출 채용 천안 청와 총리 축구
    충남 충북 친구 태풍 통일 투자 특히 판사 편집 평화 포항 표준 하원 하락 학교 한반 해당 해외 행정 허위 협력 형제
    확대 환경 성폭 성추 성형 가족 가수 가장 남매 인정 인도 인상 인천 어제 오빠 지하 도로 도움 도서 주차 주소 주사
    유아 유사 유지 유전 마지 서로 서서
    """
    )
)

ENGLISH_GIVEN = frozenset(
    words(
        """
    james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark
    donald steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary
    nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick frank
    raymond jack dennis jerry tyler aaron jose adam nathan henry zachary douglas peter kyle noah ethan jeremy walter
    christian keith roger terry austin sean gerald carl harold dylan arthur lawrence jordan jesse bryan billy bruce
    gabriel joe logan alan juan albert willie elijah wayne randy vincent mason roy ralph bobby russell bradley
    philip eugene mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra
    margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca sharon laura
    cynthia dorothy amy kathleen angela shirley emma brenda pamela nicole anna samantha katherine christine helen
    debra rachel carolyn janet maria catherine heather diane olivia julie joyce victoria ruth virginia lauren kelly
    christina joan evelyn judith andrea hannah megan cheryl jacqueline martha madison teresa gloria sara janice ann
    kathryn abigail sophia frances jean alice judy isabella julia grace amber denise danielle marilyn beverly
    charlotte natalie theresa diana brittany doris kayla alexis lori marie oliver liam lucas leo ella mia chloe zoe
    ivy oscar max simon martin minsu jihoon seoyeon minji junho jiwoo hyunwoo sujin youngho eunji dongwook sangmin
    jiyoung hana yuna
    """
    )
)
