"""Long work: asked for, done in the background, followed, stopped, tried again."""
