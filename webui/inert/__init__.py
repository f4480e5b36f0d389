"""Text that people, documents and models wrote, shown as text: nothing in it is ever run, loaded or followed."""
