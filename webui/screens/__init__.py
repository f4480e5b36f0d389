"""One file a page, each with `draw(visit)`; Streamlit gives a folder named `pages` a meaning of its own."""
