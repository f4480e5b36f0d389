"""What the page says when the service cannot: it names the reason, keeps what is there, and goes on by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from webui.client.connection import Connection
from webui.client.errors import Away, Busy, ServiceError, SignedOut
from webui.safe.labels import plain
from webui.shell import words as common
from webui.shell.phrases import Say

_LOOK_SECONDS = 2


@contextmanager
def shown(say: Say) -> Iterator[None]:
    """Say in the page what goes wrong inside, and try again where that helps."""
    try:
        yield
    except SignedOut:
        st.session_state.pop("service", None)
        st.warning(say(common.ENDED), icon=":material/logout:")
        st.button(say(common.SIGN_IN), key="again")
    except Away as error:
        st.warning(f"**{say(common.AWAY)}**  \n{say(common.AWAY_MORE)}", icon=":material/cloud_off:")
        st.caption(plain(str(error)))
        _go_on_when_back(st.secrets["service"], _LOOK_SECONDS)
    except Busy as error:
        st.warning(f"**{say(common.BUSY)}**  \n{say(common.BUSY_MORE)}", icon=":material/hourglass_top:")
        st.caption(plain(str(error)))
        _go_on_when_back(st.secrets["service"], error.seconds)
    except ServiceError as error:
        draw_error(say, error)


def draw_error(say: Say, error: ServiceError) -> None:
    """Say what the service said; in Chinese first what to do, as the service speaks English."""
    title = say(common.ERRORS.get(error.code, common.WENT_WRONG))
    first = common.HINTS_ZH.get(error.code, "") if say.language == "zh" else ""
    said = "  \n".join(plain(part) for part in (first, error.message, error.hint) if part)
    st.error(f"**{title}**: {said}" if say.language == "en" else f"**{title}**：{said}", icon=":material/error:")


def _go_on_when_back(url: str, seconds: int) -> None:
    @st.fragment(run_every=seconds)
    def look() -> None:
        if not st.session_state.get("looked"):
            st.session_state["looked"] = True
            return
        try:
            Connection(url, "").get("/health/ready")
        except ServiceError:
            return
        del st.session_state["looked"]
        st.rerun()

    look()
