"""Office files that their owner locked with a password."""

import logging
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.parsers.expat import ExpatError

from kb_server.core.errors import LoadError, MissingExtra

_UNASKED = ("VelvetSweatshop", "/01Hannes Ruescher/01")
# Excel and PowerPoint lock with these what is only protected against changes, and open it without asking.
_UNREADABLE = (struct.error, ExpatError, OSError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


class Locked(LoadError):
    """A file that needs a password."""

    def __init__(self, name: str, tried: Sequence[str] = ()) -> None:
        message = f"'{name}' is an Office document protected by a password"
        if tried:
            super().__init__(f"{message} that is not in loading.passwords.", "Add it, or save the file without one.")
        else:
            super().__init__(f"{message}.", "Give the password in loading.passwords, or save it without one.")


@contextmanager
def unlocked(path: Path, name: str, passwords: Sequence[str]) -> Iterator[Path]:
    """Yield where the file lies as it was before it was locked, as long as the context lasts.

    Raises Locked where no password fits, MissingExtra where what deciphers is not installed.
    """
    with TemporaryDirectory(prefix="kb-unlocked-") as folder:
        plain = Path(folder) / "plain"
        if not any(_decipher(path, name, password, plain) for password in (*passwords, *_UNASKED)):
            raise Locked(name, passwords)
        yield plain


def _decipher(path: Path, name: str, password: str, plain: Path) -> bool:
    """Write the file without its lock; returns False if the password is wrong."""
    try:
        import msoffcrypto
        from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError
    except ModuleNotFoundError as error:
        message = f"'{name}' is an Office document protected by a password; opening it takes the package "
        message += "msoffcrypto-tool, and the password in loading.passwords."
        raise MissingExtra(message, "pip install 'kb-server[passwords]'") from error
    logging.getLogger("msoffcrypto").setLevel(logging.ERROR)
    try:
        with path.open("rb") as locked, plain.open("wb") as writer:
            office = msoffcrypto.OfficeFile(locked)
            options = {"verify_password": True} if office.format == "ooxml" else {}  # the others always do
            office.load_key(password=password, **options)
            office.decrypt(writer)
    except InvalidKeyError:
        return False
    except (DecryptionError, FileFormatError, ParseError, *_UNREADABLE) as error:
        message = f"'{name}' is protected by a password in a way that cannot be read, or is damaged."
        raise LoadError(message, "Save it without a password.") from error
    return True
