"""Bytes -> text, when nobody says how the text was encoded."""

import codecs
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from charset_normalizer import from_bytes

_SIMPLIFIED = (
    "的在一人中国年为日大有行发和了是上公月不时会市作文动业区以生对新出地家于全法成来部等多到方个工正用进"
    "民开分后通现经安要关元理员长前能学者下海与报本将美展场合高务机体同主道实这电事力及过化车内加产任可资"
    "品网保表自查其司提之金示建重定期据水管联度台次目外他交心题子并面更间名北平东政们被入信利相小系天所物"
    "活第最当记万局原路量位警至此设应明也持数特我点制社院广情运南责线起得西共权科性式防斯计处已服三布强标"
    "委称总看案近队回流某山基向消受还比该接军省就规程代增好立组息站风项监都门调从源商收如州集解意手里编股"
    "传而供因由问导说京件推今续深指二口两办费医创城告治级议华营企影统常赛客险参团达各无预视色结投球亚游造"
    "支战众专或克术技尔研证步亿首辑号价约书使取包种领格果打限气党未施护但着江户获单类转非群求升港际反少超"
    "决教质十认检然助张女知型食备带举河济选注罗身周放士条构么显环头米协引完王域版形准空境整别四村世款况份"
    "德需图银列益请降违些容维育先马没节雨宣兰返老感率直确响俄搜严话复效清县去观职府青态什让龙片演易闻拉积"
    "纪具排界变律官航范究精做救每极融快速执额值装师改红普病李较声副火存优旅给识急林很狐织依英铁财致志击乐"
    "诈验讯友罪热居光园健香太段置即均字灾审校落根划功半售模采见星察季药销己房余随巴边干停历频卡器考控核除"
    "骗涉属走低断康何连再镇福始往智犯括博牌白街只岛负乌命害阳章样卫币苏景媒料习登尼配五离照评诉象充足势则"
)

_TRADITIONAL = (
    "國為會時動業區對產來過個們這開後說經現從發種進關員長學與場務機體實電車內資報網據別間東認應點製統數廣"
    "運責線讓變氣萬條總標營議價約書話觀見當問題無還將沒麼樣連達選處請計設給門風師勞導該際軍單較論歷驗決轉"
    "類戰術難專義準護權確織組級結續維終縣響頭顧願領飛馬魚黨龍週買賣費質貿賽輸辦農遠適遲邊鄉醫鐵銀錢錄險隊"
    "階陳陽雙離靈靜顯養館驚麗齊歲歐漢滿濟熱爭獎獨獲環畫療盡監眾碼礎禮稅穩競筆節範築簡籌糧紀純紙細絕綠緊編"
    "練縮績罰羅職聯聲聽肅臨舉舊藝蘇虛號衛複親覺觸訂討訓託記訪許評詞試詳誤誰課調諸謝識譯讀負財貨貴貼賀賓購"
    "贊跡蹤辭違遺鄭醒釋錯鎮鏡鐘闆闊陸隨雜雲零順須預頻額顛飯飲驅鮮麥黃你她它嗎呢吧您"
)

_JAPANESE = (
    "のはがをにでとたてしるいまなすれらかもりだこあきっくけさそうせちつどやよわめみむねおえじばびぶべぼぐ"
    "げごずぜぞぎろほへふひンスルトアイラリクシドレタジフマロムコプサグテニセメデカキナバパビブベペボポダ"
    "ガギゲゴザズゼッュョャーオウエネノヘホミモヤユヨワハヒヌツチソケ々気円駅県発売対応実画伝説読帰広図書"
    "館検索帳込働"
)

_KOREAN = (
    "이다는의에을를가은고하한지도로서사기시인자들대나어아리과그있정수해일전라보구부장스상제원주공유용성동"
    "만마면으니여조러비게년것세았었습연관신문안경생국계소우위와적중분물개무방후때미할말명모실입내오당출간"
    "교화된되네요까거합재행학선운속번했본발작회월결터강심남북체통금식많현같"
)

_PUNCTUATION = re.compile("[\u3000-\u3011\u3014-\u301f\uff01-\uff5e\u2018\u2019\u201c\u201d\u2014\u2026\u00b7]")

_ALPHABETS = re.compile("[\u00a0-\u06ff\u0900-\u0e7f\u2010-\u2044\u20ac\u3040-\u30ff\uac00-\ud7a3]|[^\u0000-\uffff]")

_ODD = re.compile(
    "[\ue000-\uf8ff\uff61-\uff9f\ufff0-\uffff\u0e00-\u0eff\u3400-\u4dbf\u0080-\u009f\u1000-\u1fff\u2500-\u25ff]"
)


class Language(NamedTuple):
    """`common` characters, and `ordinary` ones: the first level of the language's own character set."""

    common: frozenset[str]
    ordinary: frozenset[str]


@cache
def language(name: str) -> Language:
    """Return `simplified`, `traditional`, `japanese`, `korean`, or `any` (which counts ASCII too)."""
    match name:
        case "simplified":
            return Language(frozenset(_SIMPLIFIED), _level("gb2312", range(0xB0, 0xD8), 0xA1))
        case "traditional":
            return Language(frozenset(_TRADITIONAL + _SIMPLIFIED), _level("big5", range(0xA4, 0xC7), 0x40))
        case "japanese":
            return Language(frozenset(_JAPANESE + _SIMPLIFIED), _level("cp932", range(0x88, 0x99), 0x40))
        case "korean":
            return Language(frozenset(_KOREAN), _level("euc-kr", range(0xB0, 0xC9), 0xA1))
    ascii_text = frozenset(map(chr, [9, 10, 13, *range(0x20, 0x7F)]))
    parts = [language(each) for each in ("simplified", "traditional", "japanese", "korean")]
    return Language(ascii_text.union(*(p.common for p in parts)), frozenset().union(*(p.ordinary for p in parts)))


def plausibility(text: str, name: str) -> float:
    """Return how much the text looks like the language, from -1 to 1; about 0.8 and more for real text.

    ASCII characters say nothing and are not counted, unless the language is `any`.
    """
    wanted = language(name)
    counts = Counter(text) if name == "any" else Counter(character for character in text if character > "\x7f")
    total = counts.total()
    return sum(_weight(character, wanted, name) * n for character, n in counts.items()) / total if total else 0.0


def _weight(character: str, wanted: Language, name: str) -> float:
    if character in wanted.common:
        return 1.0
    if _PUNCTUATION.match(character):
        return 0.7
    if character in wanted.ordinary or (name == "any" and _ALPHABETS.match(character)):
        return 0.6
    return -1.0 if _ODD.match(character) else -0.4


def _level(encoding: str, leads: range, first_trail: int) -> frozenset[str]:
    """Return the characters of a double-byte set whose first byte is among `leads`."""
    pairs = (bytes((lead, trail)) for lead in leads for trail in range(first_trail, 0xFF))
    return frozenset(character for pair in pairs if len(character := pair.decode(encoding, "ignore")) == 1)


_MULTIBYTE = (  # in order of preference where two fit equally
    ("gb18030", "simplified"),
    ("big5hkscs", "traditional"),
    ("cp932", "japanese"),
    ("euc_jp", "japanese"),
    ("cp949", "korean"),
    ("utf-16-le", "any"),
    ("utf-16-be", "any"),
)

_SINGLE_BYTE = [
    "cp1252", "iso8859_2", "cp1250", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254", "cp1255", "cp1256", "cp874",
]  # fmt: skip

_ACCEPTED = 0.45

_ACCEPTED_UTF16 = 0.75  # any two bytes are a character of it

_LEGACY_SAMPLE = 1 << 16

_FEW = 40

_SIGN_IN_WORD = re.compile(r"[^\W\d_][¹³¿¼¾£¥ª¯±µ¶][^\W\d_]")


def best_multibyte(data: bytes) -> str | None:
    """Return the text in the East Asian encoding that gives the commonest characters, if any gives common ones."""
    scored = [(score, encoding) for encoding, language in _MULTIBYTE if (score := _score(data, encoding, language))]
    for score, encoding in sorted(scored, key=lambda pair: -pair[0]):
        if score < (_ACCEPTED_UTF16 if encoding.startswith("utf-16") else _ACCEPTED):
            continue
        text = _whole(data, encoding)
        if text is not None:
            return text
    return None


def single_byte(data: bytes) -> str:
    """Return the text in a single-byte encoding: what charset-normalizer finds, for little evidence cp1252."""
    high = sum(byte > 0x7F for byte in data[:_LEGACY_SAMPLE])
    western = _western(data)
    if high < _FEW and high * 2 < len(data) and not _SIGN_IN_WORD.search(western):
        return western
    match = from_bytes(data[:_LEGACY_SAMPLE], cp_isolation=_SINGLE_BYTE).best()
    return western if match is None else data.decode(match.encoding, "replace")


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _score(data: bytes, encoding: str, language: str) -> float:
    """Judge a sample that ends at a line where possible, lest it be cut within a character."""
    if encoding.startswith("utf-16") and len(data) % 2:
        return 0.0
    sample = data[:_LEGACY_SAMPLE]
    if len(data) > _LEGACY_SAMPLE and not encoding.startswith("utf-16"):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    text = sample.decode(encoding, "replace")
    bad = text.count("\ufffd")
    return 0.0 if bad * 100 > len(text) else plausibility(text, language)


def _whole(data: bytes, encoding: str) -> str | None:
    """Decode all, leaving out a few damaged characters."""
    text = data.decode(encoding, "replace")
    bad = text.count("\ufffd")
    return None if bad * 100 > len(text) else text.replace("\ufffd", "")


_BOMS = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")

_ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
}

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")

_RARE = re.compile("[\u0250-\u036f\u0483-\u0489\u0591-\u05cf\u0700-\u07ff]")

_MOST_CONTROLS = 0.02

_MOST_CONTROLS_IN_UTF8 = 0.1  # that is a proof by itself; logs of programs that crashed have NULs by the thousand

_SAMPLE = 1 << 16


class Undecodable(ValueError):
    """The bytes are no text in any encoding we know."""


def decode(data: bytes, declared: str | None = None, *, partial: bool = False) -> str:
    """Return the text without its byte-order mark; raises Undecodable for binary data.

    Order: byte-order mark, UTF-16 and UTF-32 by their NULs, strict UTF-8, `declared` (what an HTML page says of
    itself), the East Asian encoding whose text looks most like language, UTF-8 with a few bad bytes, a single-byte
    encoding. `partial` says that the data is the beginning of a file, perhaps cut within a character.
    """
    marked = next(((mark, encoding) for mark, encoding in _BOMS if data.startswith(mark)), None)
    if marked:
        return data[len(marked[0]) :].decode(marked[1], "ignore")
    if b"\0" in data or _has_controls(data):
        return _decode_wide(data)
    text = _decode_utf8(data, partial=partial)
    return text if text is not None and not _is_unlikely(text) else _guess(data, declared, text)


def _guess(data: bytes, declared: str | None, text: str | None) -> str:
    return _decode_declared(data, declared) or best_multibyte(data) or text or _decode_rest(data)


def _decode_wide(data: bytes) -> str:
    """Text in 8-bit encodings has no NULs and few controls; UTF-16 and UTF-32 have them in every blank and line end."""
    wide = _most_plausible(data[: len(data) & ~3], _WIDE[:2]) or _most_plausible(data[: len(data) & ~1], _WIDE[2:])
    if wide and _wide_plausibility(wide) > 0.5:
        return wide
    bare = data.replace(b"\0", b"")
    text = _strict(bare, "utf-8")
    if text is None or _has_controls(bare, _MOST_CONTROLS_IN_UTF8):
        raise Undecodable
    return text


def _most_plausible(data: bytes, encodings: Iterable[str]) -> str:
    texts = (_strict(data, encoding) for encoding in encodings)
    return max(filter(None, texts), key=_wide_plausibility, default="")


def _has_controls(data: bytes, most: float = _MOST_CONTROLS) -> bool:
    sample = data[:_SAMPLE]
    return len(_CONTROL.findall(sample)) > most * len(sample) + 1


def _wide_plausibility(text: str) -> float:
    return plausibility(text[:_SAMPLE], "any")


def _decode_utf8(data: bytes, *, partial: bool) -> str | None:
    text = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoded = text.decode(data, final=not partial)
    except UnicodeDecodeError:
        return _decode_surrogates(data)
    return _strict(data, "iso2022_jp") or decoded if b"\x1b$" in data else decoded


def _decode_surrogates(data: bytes) -> str | None:
    """Read UTF-8 in which pairs of surrogates, or halves of them, are written as if they were characters."""
    try:
        halves = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _decode_declared(data: bytes, declared: str | None) -> str | None:
    if declared is None:
        return None
    name = declared.strip().lower()
    try:
        codec = codecs.lookup(_ALIASES.get(name, name))
        return codec.decode(data, "strict")[0] if codec._is_text_encoding else None
    except (LookupError, ValueError):
        return None


def _is_unlikely(text: str) -> bool:
    """Tell whether UTF-8 may be an accident: some Chinese words in GBK are phonetic signs and accents in it."""
    return len(text) < _SAMPLE and _RARE.search(text) is not None and max(text) < "\u0800"


def _decode_rest(data: bytes) -> str:
    lenient = data.decode("utf-8", "replace")
    bad = lenient.count("\ufffd")
    if bad * 10 < sum(character > "\x7f" for character in lenient):
        return lenient.replace("\ufffd", "")
    return single_byte(data)


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
