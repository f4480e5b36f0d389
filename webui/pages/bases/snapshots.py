"""Snapshots: take, compare, bring back."""

import streamlit as st

from webui.client.bases import Base
from webui.client.snapshots import Difference, Snapshot
from webui.pages.bases import words
from webui.safe.labels import plain
from webui.shell import troubles
from webui.shell.phrases import Say
from webui.shell.times import shown
from webui.shell.visit import Visit

_NAMES_SHOWN = 200


def draw(visit: Visit, base: Base) -> None:
    """List them, newest first."""
    say, snapshots = visit.say, visit.service.snapshots(base.name)
    st.caption(say(words.SNAPSHOT_MORE))
    if visit.me.may("write"):
        with st.form(f"snapshot_{base.name}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input(say(words.SNAPSHOT_NAME), max_chars=64)
            if st.form_submit_button(say(words.SNAPSHOT_MAKE), type="primary", icon=":material/photo_camera:"):
                with troubles.shown(say):
                    snapshots.create(name.strip())
    found = snapshots.all()
    if not found:
        st.caption(say(words.NO_SNAPSHOTS))
    for snapshot in reversed(found):
        _draw_one(visit, base, snapshot)


def _draw_one(visit: Visit, base: Base, one: Snapshot) -> None:
    say = visit.say
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"snapshot_{base.name}_{one.name}"
    ):
        st.markdown(f"**{plain(one.name)}**")
        st.caption(shown(one.created))
        st.badge(f"{say(words.DOCUMENTS)} {one.documents:,}", color="gray")
        key = f"{base.name}_{one.name}"
        if st.button(say(words.COMPARE), key=f"diff_{key}", type="tertiary", icon=":material/difference:"):
            _compare(visit, base, one)
        if visit.me.may("admin"):
            if st.button(
                say(words.RESTORE), key=f"restore_{key}", type="tertiary", icon=":material/settings_backup_restore:"
            ):
                _restore(visit, base, one)
            if st.button(say(words.DELETE_SNAPSHOT), key=f"delete_{key}", type="tertiary", icon=":material/delete:"):
                visit.service.snapshots(base.name).delete(one.name)
                st.rerun()


def _compare(visit: Visit, base: Base, one: Snapshot) -> None:
    @st.dialog(f"{visit.say(words.COMPARE)}: {plain(one.name)}", width="medium")
    def compare() -> None:
        draw_difference(visit.say, visit.service.snapshots(base.name).diff(one.name))

    compare()


def _restore(visit: Visit, base: Base, one: Snapshot) -> None:
    say, snapshots = visit.say, visit.service.snapshots(base.name)

    @st.dialog(say(words.RESTORE_ASK, name=plain(one.name)), width="medium")
    def ask() -> None:
        st.write(say(words.RESTORE_MORE))
        draw_difference(say, snapshots.diff(one.name))
        if st.button(say(words.RESTORE), type="primary"):
            with troubles.shown(say):
                done = snapshots.restore(one.name)
                st.toast(say(words.RESTORED, undo=plain(done.undo)), icon=":material/check:")
                st.rerun()

    ask()


def draw_difference(say: Say, difference: Difference) -> None:
    """List what differs."""
    parts = ((words.ADDED, difference.added), (words.REMOVED, difference.removed), (words.CHANGED, difference.changed))
    if not any(names for _, names in parts):
        st.info(say(words.SAME), icon=":material/check:")
    for title, names in parts:
        if names:
            st.markdown(f"**{say(title)}** ({len(names)})")
            st.text("\n".join(names[:_NAMES_SHOWN]) + ("\n…" if len(names) > _NAMES_SHOWN else ""))
