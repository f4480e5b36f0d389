"""Reading strangers' files in processes of their own."""
