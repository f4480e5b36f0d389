"""Files that only this key can ask."""

import io
from typing import BinaryIO

from webui.client.service import Service
from webui.client.temporary import temporary


def test_files_are_taken_in_and_asked(service: Service) -> None:
    files: list[tuple[str, BinaryIO]] = [
        ("owl.txt", io.BytesIO(b"The owl of Barovia sleeps at noon.")),
        ("x.bin", io.BytesIO(b"\x7fELF\0\0")),
    ]
    attached = service.temporary.attach(files, None)
    assert temporary(["handbook", attached.base]) == attached.base
    assert [one.name for one in attached.failed] == ["x.bin"]
    assert attached.failed[0].reason
    more = service.temporary.attach([("cat.txt", io.BytesIO(b"The cat hunts at night."))], attached.base)
    assert more.base == attached.base
    found = service.search.find([attached.base], "When does the owl sleep?", 5)
    assert {one.document for one in found} == {"owl.txt", "cat.txt"}


def test_a_base_that_was_made_by_somebody_is_none() -> None:
    assert temporary(["handbook", "my-temp-files"]) is None
    assert temporary([]) is None
