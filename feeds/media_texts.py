"""Made-up articles: titles and texts in Japanese or English, of words that belong to a category."""

from __future__ import annotations

import random
from typing import Final

#: For each category its nouns in English and in Japanese, with blanks between.
_WORDS: Final = {
    "politics": (
        "parliament minister election ballot coalition treaty senate budget reform campaign opposition "
        "referendum diplomat cabinet",
        "国会 大臣 選挙 投票 連立 条約 予算 改革 野党 与党 外交 内閣 議員 法案",
    ),
    "economy": (
        "market inflation interest export bank investor profit shares currency factory employment wages "
        "merger supplier",
        "市場 物価 金利 輸出 銀行 投資 利益 株価 為替 工場 雇用 賃金 合併 景気",
    ),
    "sport": (
        "match goal coach league stadium striker tournament medal record season injury transfer final referee",
        "試合 得点 監督 優勝 球場 選手 大会 金メダル 記録 開幕 野球 移籍 決勝 審判",
    ),
    "science": (
        "telescope experiment particle genome satellite climate laboratory theory fossil robot battery ocean "
        "volcano species",
        "望遠鏡 実験 粒子 遺伝子 衛星 気候 研究所 理論 化石 機械 電池 海洋 火山 生物",
    ),
    "health": (
        "hospital vaccine doctor nutrition exercise sleep patient surgery virus allergy therapy medicine "
        "diagnosis stress",
        "病院 ワクチン 医師 栄養 運動 睡眠 患者 手術 感染 花粉 治療 薬 診断 健康",
    ),
    "culture": (
        "museum novel concert painter theatre director festival poem album gallery opera actor script premiere",
        "美術館 小説 演奏会 画家 劇場 映画 祭り 詩 音楽 展覧会 歌舞伎 俳優 脚本 文化",
    ),
    "housing": (
        "kitchen shelf garden sofa curtain storage lighting carpet renovation balcony wallpaper bathroom "
        "furniture interior",
        "台所 棚 庭 家具 カーテン 収納 照明 絨毯 改装 玄関 壁紙 浴室 部屋 住宅",
    ),
    "travel": (
        "hotel airport island beach museum railway passport temple mountain ferry guide luggage cuisine harbour",
        "旅館 空港 島 海岸 温泉 鉄道 観光 寺院 山 船 案内 荷物 料理 港",
    ),
}
WORDS: Final = {name: (english.split(), japanese.split()) for name, (english, japanese) in _WORDS.items()}
CATEGORIES: Final = tuple(WORDS)
LANGUAGES: Final = ("en", "ja")

_ENGLISH: Final = (
    "The {a} and the {b} were discussed after the {c} on {d}.",
    "Nobody expected that a {a} would change the {b}, but the {c} did.",
    "According to the report, the {a} depends on the {b} and on the {c}.",
    "A new {a} was opened near the {b}; the {c} is to follow.",
)
_JAPANESE: Final = (
    "{a}と{b}について、{c}の後に発表があった。",
    "{a}が{b}を変えるとは誰も思わなかったが、{c}がそれを示した。",
    "報告によると、{a}は{b}と{c}に左右される。",
    "新しい{a}が{b}の近くに開かれ、{c}も続く予定だ。",
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def title_and_text(category: str, language: str, sentences: int, luck: random.Random) -> tuple[str, str]:
    """A title and a text of so many sentences; one word in eight is of another category.

    Parameters
    ----------
    category, language
        Of `CATEGORIES` and `LANGUAGES`.
    sentences
        1 or more.
    luck
        Draws the words.
    """
    which = LANGUAGES.index(language)

    def word() -> str:
        of = category if luck.random() < 0.875 else luck.choice(CATEGORIES)
        return luck.choice(WORDS[of][which])

    templates = (_ENGLISH, _JAPANESE)[which]
    title = f"{word()}、{word()}と{word()}" if which else f"{word()}, {word()} and {word()}".capitalize()
    made = [luck.choice(templates).format(a=word(), b=word(), c=word(), d=luck.choice(_DAYS)) for _ in range(sentences)]
    return title, ("" if which else " ").join(made)
