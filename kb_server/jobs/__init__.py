"""Long work: asked for, done by and by, followed, stopped, tried again."""
