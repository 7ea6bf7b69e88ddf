"""One scenario a file; `bench.__main__` lists them."""
