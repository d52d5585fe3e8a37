"""The page for a browser: one file, which asks no network for anything and runs no script but its own."""
