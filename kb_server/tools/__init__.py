"""What a model may use while it answers; each tool is listed by an administrator or built in, none runs commands."""
