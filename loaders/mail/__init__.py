"""Mail as it is sent and as Outlook saves it."""
