"""Which encoding makes the likeliest text of bytes: how often a language has each letter, and how letters stand in words.

What a text costs is −log of its probability where letters follow one another by chance, each as often as its language has
it, by the lists of `charset-normalizer` and those below; and something more for each word that nobody would write: a
capital within it, two scripts, a quotation mark between its letters. Encodings of one byte a character and of several are
told apart by the same number.
"""

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from charset_normalizer.constant import FREQUENCIES

MORE_LETTERS = {  # what the library's lists of 26 letters leave out, and languages that it does not have
    "English": "éèïôçñüöàâêëîûáíóúäåøæœ", "German": "ßéàè", "French": "çêôîùûâëïœüæÿ", "Dutch": "éïöüèó",
    "Italian": "ùìéî", "Spanish": "ñéúüï", "Portuguese": "õêúâôàü", "Swedish": "éàü", "Norwegian": "éòôàü",
    "Danish": "éü", "Finnish": "åéšž", "Polish": "żśćńźéöü", "Czech": "ěřšžýůťďňúóöü",
    "Slovak": "ťžšľúňôďäóĺŕéöü", "Hungarian": "íőúüű", "Romanian": "şţöéüá", "Croatian": "đ",
    "Slovene": "đć", "Turkish": "çşğöîâû", "Lithuanian": "ūęžąųį", "Estonian": "õšžö",
    "Russian": "шюцщэфёъ", "Ukrainian": "шюжєщґф", "Bulgarian": "шщюьф", "Serbian": "чшћхжђљњфџбгцј",
    "Greek": "φβξψώύϊΐϋΰάέήίόύώ", "Hebrew": "ץףװ", "Thai": "ดุูไใโแเ่้็์ัิีึืำซฐฉฎถธณญฝภศษผฟยฤฬฮๆฯๅฆ",
    "Arabic": "ثخذضظغزؤئءآىجو،؛؟ـًٌٍَُِّْ", "Farsi": "ثذضظغئءژيكة،؛؟",
    "Vietnamese": "âêôơăáạảãấầậẩẫắằặẳẵéèẹẻẽếềểễíìịỉĩóòọỏõốồổỗớờợởỡúùụủũứừựửữýỳỵỷỹ",
    "Icelandic": "arnieslutgðmkfhvoáþíjdyæöúóbépýxwzcq", "Latvian": "aistreunokmlpdvjāzgībēcšfņļūžķģčhōxqwy",
    "Belarusian": "анірыетскволдмугпзябьйшцўчжёэюхф", "Catalan": "eaisrnltoducmpvqbgfàéhòíóèúxjçïüyzkw",
    "Macedonian": "аоеинтрсвдклпмузјгбчцшхжфќѓњљѕџ"}
WESTERN = ("English", "French", "German", "Spanish", "Italian", "Portuguese", "Dutch", "Swedish", "Danish", "Norwegian",
           "Finnish", "Icelandic", "Catalan")
CENTRAL = ("Polish", "Czech", "Hungarian", "Slovak", "Croatian", "Slovene", "Romanian", "German")
BALTIC = ("Lithuanian", "Latvian", "Estonian")
CYRILLIC = ("Russian", "Ukrainian", "Bulgarian", "Serbian", "Belarusian", "Macedonian")
EBCDIC, EBCDIC_SPACE, MOSTLY = ("cp500", "cp037"), ord("@"), 0.7  # of its bytes are these, or beyond ASCII
ENCODINGS: dict[str, tuple[str, ...]] = {  # those that are likelier first
    "cp1252": (*WESTERN, "Estonian"), "cp1251": CYRILLIC, "cp1250": CENTRAL, "cp1253": ("Greek",), "cp1254": ("Turkish",),
    "cp1255": ("Hebrew",), "cp1256": ("Arabic", "Farsi"), "cp1257": BALTIC, "cp1258": ("Vietnamese",), "cp874": ("Thai",),
    "iso8859_15": (*WESTERN, "Estonian"), "iso8859_2": CENTRAL, "iso8859_5": CYRILLIC, "iso8859_7": ("Greek",),
    "iso8859_9": ("Turkish",), "iso8859_8": ("Hebrew",), "iso8859_6": ("Arabic",), "iso8859_13": BALTIC, "iso8859_4": BALTIC,
    "koi8_r": ("Russian", "Bulgarian"), "koi8_u": ("Ukrainian", "Belarusian"), "cp866": CYRILLIC, "cp1125": ("Ukrainian",),
    "mac_roman": WESTERN, "cp850": WESTERN, "cp437": WESTERN, "cp852": CENTRAL, "mac_latin2": CENTRAL, "mac_cyrillic": CYRILLIC,
    "mac_greek": ("Greek",), "cp737": ("Greek",), "mac_turkish": ("Turkish",), "cp857": ("Turkish",), "cp862": ("Hebrew",),
    "cp720": ("Arabic",), "cp775": BALTIC, "cp865": ("Danish", "Norwegian"), "cp861": ("Icelandic",), "cp855": CYRILLIC,
    "viscii": ("Vietnamese",), "tcvn": ("Vietnamese",), "gb18030": ("Chinese",), "big5": ("Traditional",),
    "cp932": ("Japanese",), "euc_jp": ("Japanese",), "cp949": ("Korean",), **dict.fromkeys(EBCDIC, WESTERN)}
UNLIKELY, OLD = 0.04, 1.0  # what an encoding costs for each that stands before it; what those cost that are not of Windows
VIETNAMESE = {      # what Python has no codec for, from byte 128
    "viscii": "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯ"
              "ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ",
    "tcvn": "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
            "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"}
TRADITIONAL = str.maketrans(  # those of the library's list that have two forms
    "这个们来为国说时会对着过发后里种经么学当没动还进样", "這個們來為國說時會對著過發後裡種經麼學當沒動還進樣")

FREQUENT, FALL, RARE, RARER = 0.11, 0.12, 3e-3, 0.08  # how often the first letter of a list is had, and each that follows
PLAIN, ASCII_LETTER, QUOTE, SIGN, MEASURE, STRANGE = (math.log(share) for share in (0.05, 1e-3, 6e-3, 2e-3, 3e-4, 1e-6))
QUOTES, SIGNS, MEASURES = "“”’", "„‘«»–—…、。，！？；：「」", "°§€©£·®½¼¾±²³µ×ºª¿¡\N{NO-BREAK SPACE}№（）『』・"
WITHIN, MIXED, CAPITAL, SHOUTED, MISPLACED = 6.0, 8.0, 2.0, 2.0, 7.0  # what a word costs that has them
MOST_MARKS = 30  # on a letter, as Unicode's stream-safe format has it (UAX #15)
WORD = re.compile(r"[^\W\d_]+")
TWO_SCRIPTS = re.compile("[a-zA-ZÀ-ɏ][\u0370-\u0fff]|[\u0370-\u0fff][a-zA-ZÀ-ɏ]|[\u0370-\u03ff][\u0400-\u04ff]|"
                         "[\u0400-\u04ff][\u0370-\u03ff]")
BAD_PLACES = re.compile(  # a sign within a word, quotation marks and dashes on the wrong side, letters that only end a word
    r"[^\W\d_](?:[^\w\s\x00-\x7f’·\u0300-\u036f\u064b-\u0652\u0e00-\u0e7f、-〿，-？]|[¼½¾])[^\W\d_]|\w[“„«¿¡]|[”»…]\w|"
    r"[^\W\d_][–—]\s|[ªº¹²³€£‘±×¤][^\W\d_]|[^\W\d_][±×¤]|\xa0\s|[ךםןףץς][^\W\d_]")


def decoded(data: bytes, encoding: str) -> str:
    """Bytes in an encoding of Python's, VISCII or TCVN, with a replacement sign for whatever is none of its characters."""
    if encoding in VIETNAMESE:
        return unicodedata.normalize("NFC", codecs.charmap_decode(data, "replace", _table(encoding))[0])
    text = data.decode(encoding, "replace")
    if encoding in EBCDIC:
        return text.replace("\N{NEXT LINE}", "\n")
    return unicodedata.normalize("NFC", with_few_marks(text)) if encoding == "cp1258" else text


def with_few_marks(text: str) -> str:
    """At most `MOST_MARKS` combining marks in a row: normalising takes the square of their number, hours of a few megabytes."""
    marks = "".join(sign for sign in set(text) if unicodedata.combining(sign))
    return re.sub(f"([{marks}]{{{MOST_MARKS}}})[{marks}]+", r"\1", text) if marks else text


def likeliest_encoding(data: bytes) -> str:
    """The encoding in which bytes are the likeliest text.

    Parameters
    ----------
    data : bytes
        Whole lines, of which a few thousand bytes tell as much as all.
    """
    costs, in_ebcdic = {}, sum(code > 0x7F or code == EBCDIC_SPACE for code in data)
    for place, (encoding, languages) in enumerate(ENCODINGS.items()):
        if encoding in EBCDIC and (in_ebcdic < MOSTLY * len(data) or EBCDIC_SPACE not in data):
            continue
        text = decoded(data, encoding)
        counts = Counter(sign.lower() if len(sign.lower()) == 1 else sign for sign in text)
        costs[encoding] = UNLIKELY * place + OLD * (not encoding.startswith("cp125")) + _of_words(text) + min(
            -sum(count * _logarithms(language).get(sign, STRANGE) for sign, count in counts.items()) for language in languages)
    return min(costs, key=costs.__getitem__)


def _of_words(text: str) -> float:
    cost = MIXED * len(TWO_SCRIPTS.findall(text)) + MISPLACED * len(BAD_PLACES.findall(text))
    for word in WORD.findall(text):
        if word.isascii() or word == word.lower():
            continue
        cost += SHOUTED if word == word.upper() else CAPITAL if word[1:] == word[1:].lower() else WITHIN
    return cost


@lru_cache
def _table(encoding: str) -> str:
    return "".join(map(chr, range(128))) + VIETNAMESE[encoding]


@lru_cache
def _logarithms(language: str) -> dict[str, float]:
    """Of the probability of each sign in a language's texts."""
    found = {chr(code): PLAIN for code in (9, 10, 12, 13, *range(32, 127))}
    found |= {chr(code): ASCII_LETTER for code in range(97, 123)} | dict.fromkeys(MEASURES, MEASURE) | dict.fromkeys(SIGNS, SIGN)
    found |= dict.fromkeys(QUOTES, QUOTE)
    if language in ("Chinese", "Traditional"):
        level = "gb2312" if language == "Chinese" else "big5"
        found |= _evenly(_characters(level, range(0xB0, 0xD8) if level == "gb2312" else range(0xA4, 0xC7)), 0.45)
        return found | _evenly("".join(FREQUENCIES["Chinese"]).translate(TRADITIONAL if level == "big5" else {}), 0.35)
    if language == "Japanese":
        found |= _evenly(_characters("euc_jp", range(0xB0, 0xD0)), 0.25) | _evenly(FREQUENCIES["Japanese"], 0.1)
        found |= _evenly(FREQUENCIES["Japanese—"], 0.1)
        return found | _falling(FREQUENCIES["Japanese——"], 0.06)
    if language == "Korean":
        return found | _evenly(_characters("euc_kr", range(0xB0, 0xC9)), 0.5) | _evenly(FREQUENCIES["Korean"], 0.35)
    more = MORE_LETTERS.get(language, "")
    rare = {letter: math.log(RARE) - RARER * rank for rank, letter in enumerate(more)}
    listed = FREQUENCIES.get(language)
    return found | rare | _falling(listed, FALL) if listed else found | _falling(more, FALL)


def _evenly(signs: Iterable[str], share: float) -> dict[str, float]:
    signs = tuple(signs)
    return dict.fromkeys(signs, math.log(share / len(signs)))


def _falling(letters: Iterable[str], fall: float) -> dict[str, float]:
    return {letter: math.log(FREQUENT) - fall * rank for rank, letter in enumerate(letters)}


def _characters(encoding: str, rows: range) -> str:
    """The characters of an encoding's rows in which its usual ones stand."""
    cells = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    return "".join(bytes((row, cell)).decode(encoding, "ignore") for row in rows for cell in cells)
